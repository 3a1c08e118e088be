-- expand
-- Documents of one user with one title are versions of one thing; the newest that is ready supersedes those before it.
ALTER TABLE documents ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER TABLE documents ADD COLUMN superseded_at timestamptz;
