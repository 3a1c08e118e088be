-- expand
-- What people think of answers.
CREATE TABLE feedback (
  message_id uuid PRIMARY KEY CONSTRAINT feedback_message_id_fkey REFERENCES messages (id) ON DELETE CASCADE,
  rating text NOT NULL CONSTRAINT feedback_rating CHECK (rating IN ('up', 'down')),
  comment text CONSTRAINT feedback_comment_length CHECK (char_length(comment) <= 2000),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
