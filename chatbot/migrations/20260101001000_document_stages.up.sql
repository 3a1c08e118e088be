-- expand
-- How far a document's ingestion is, for those who wait for it.
ALTER TABLE documents ADD COLUMN stage text NOT NULL DEFAULT 'received';
ALTER TABLE documents ADD COLUMN progress smallint NOT NULL DEFAULT 0;
