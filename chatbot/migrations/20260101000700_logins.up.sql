-- expand
-- People log in: with a password, in sessions. Keys get rights.
ALTER TABLE users
  ADD COLUMN email text,
  ADD COLUMN password_hash text,
  ADD COLUMN role text NOT NULL DEFAULT 'member',
  ADD COLUMN disabled_at timestamptz;
-- allow: the release before knows no email, so it writes none twice; and a table of people is small
CREATE UNIQUE INDEX users_email_key ON users (lower(email));

-- What a key could do before there were scopes.
ALTER TABLE api_keys ADD COLUMN scopes text[] NOT NULL DEFAULT '{chat,documents:read,documents:write}';

-- One login on one device.
CREATE TABLE sessions (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL CONSTRAINT sessions_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
  user_agent text,
  ip text,
  created_at timestamptz NOT NULL,
  last_seen_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz
);
CREATE INDEX sessions_user_id_last_seen_at_idx ON sessions (user_id, last_seen_at DESC, id DESC);

-- The tokens that a session had, one after the other: the use of an old one gives a thief away.
CREATE TABLE refresh_tokens (
  hash bytea PRIMARY KEY CONSTRAINT refresh_tokens_hash CHECK (octet_length(hash) = 32),
  session_id uuid NOT NULL CONSTRAINT refresh_tokens_session_id_fkey REFERENCES sessions (id) ON DELETE CASCADE,
  created_at timestamptz NOT NULL,
  rotated_at timestamptz
);
CREATE INDEX refresh_tokens_session_id_idx ON refresh_tokens (session_id);
