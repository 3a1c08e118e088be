ALTER TABLE documents DROP COLUMN superseded_at;
ALTER TABLE documents DROP COLUMN version;
