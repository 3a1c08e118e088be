ALTER TABLE documents DROP COLUMN progress;
ALTER TABLE documents DROP COLUMN stage;
