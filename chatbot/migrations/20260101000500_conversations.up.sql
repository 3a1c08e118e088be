-- expand
-- What was asked and answered.
CREATE TABLE conversations (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL CONSTRAINT conversations_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
  title text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX conversations_user_id_updated_at_idx ON conversations (user_id, updated_at DESC, id DESC);

CREATE TABLE messages (
  id uuid PRIMARY KEY,
  conversation_id uuid NOT NULL CONSTRAINT messages_conversation_id_fkey REFERENCES conversations (id) ON DELETE CASCADE,
  role text NOT NULL CONSTRAINT messages_role CHECK (role IN ('user', 'assistant')),
  content text NOT NULL,
  sources jsonb NOT NULL DEFAULT '[]' CONSTRAINT messages_sources CHECK (jsonb_typeof(sources) = 'array'),
  model text,
  prompt_tokens integer CONSTRAINT messages_prompt_tokens CHECK (prompt_tokens >= 0),
  completion_tokens integer CONSTRAINT messages_completion_tokens CHECK (completion_tokens >= 0),
  finish_reason text,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX messages_conversation_id_created_at_idx ON messages (conversation_id, created_at, id);
