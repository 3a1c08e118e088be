ALTER TABLE messages DROP COLUMN replaced_by;
