-- expand
-- Who did what. No reference to users: what somebody did stays when they are deleted, under the name of that time.
CREATE TABLE audit (
  id uuid PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  action text NOT NULL,
  actor_id uuid,
  actor text,
  target_id uuid,
  target text,
  via text NOT NULL,
  ip text,
  detail jsonb NOT NULL DEFAULT '{}' CONSTRAINT audit_detail CHECK (jsonb_typeof(detail) = 'object')
);
CREATE INDEX audit_at_idx ON audit (at DESC, id DESC);
