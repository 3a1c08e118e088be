-- expand
-- What answers cite.
CREATE TABLE documents (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL CONSTRAINT documents_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
  title text NOT NULL,
  media_type text NOT NULL,
  bytes bigint NOT NULL CONSTRAINT documents_bytes CHECK (bytes >= 0),
  sha256 text NOT NULL CONSTRAINT documents_sha256 CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  object_key text NOT NULL,
  status text NOT NULL DEFAULT 'pending' CONSTRAINT documents_status CHECK (status IN ('pending', 'processing', 'ready', 'failed')),
  error text,
  chunk_count integer NOT NULL DEFAULT 0 CONSTRAINT documents_chunk_count CHECK (chunk_count >= 0),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT documents_user_id_sha256_key UNIQUE (user_id, sha256)
);
CREATE INDEX documents_user_id_created_at_idx ON documents (user_id, created_at DESC, id DESC);

CREATE TABLE chunks (
  id uuid PRIMARY KEY,
  document_id uuid NOT NULL CONSTRAINT chunks_document_id_fkey REFERENCES documents (id) ON DELETE CASCADE,
  ordinal integer NOT NULL CONSTRAINT chunks_ordinal CHECK (ordinal >= 0),
  heading text,
  text text NOT NULL,
  start_char integer NOT NULL,
  end_char integer NOT NULL,
  CONSTRAINT chunks_span CHECK (0 <= start_char AND start_char <= end_char),
  CONSTRAINT chunks_document_id_ordinal_key UNIQUE (document_id, ordinal)
);
