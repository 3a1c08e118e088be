-- expand
-- The answer that took this one's place; both are kept.
ALTER TABLE messages ADD COLUMN replaced_by uuid;
