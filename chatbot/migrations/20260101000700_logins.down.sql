DROP TABLE refresh_tokens;
DROP TABLE sessions;
ALTER TABLE api_keys DROP COLUMN scopes;
DROP INDEX users_email_key;
ALTER TABLE users DROP COLUMN disabled_at, DROP COLUMN role, DROP COLUMN password_hash, DROP COLUMN email;
