-- expand
-- What became of jobs, minute by minute: River forgets finished jobs after a time, and charts must not.
CREATE TABLE job_history (
  minute timestamptz NOT NULL,
  kind text NOT NULL,
  queue text NOT NULL,
  -- completed, cancelled, discarded; or failed: one attempt that is followed by another.
  outcome text NOT NULL CONSTRAINT job_history_outcome CHECK (outcome IN ('completed', 'cancelled', 'discarded', 'failed')),
  jobs bigint NOT NULL,
  run_seconds double precision NOT NULL DEFAULT 0,
  wait_seconds double precision NOT NULL DEFAULT 0,
  -- How many jobs took no longer than each bound (their list is in the program); empty for failed attempts.
  run_buckets bigint[] NOT NULL DEFAULT '{}',
  wait_buckets bigint[] NOT NULL DEFAULT '{}',
  CONSTRAINT job_history_pkey PRIMARY KEY (minute, kind, queue, outcome)
);

-- How full each queue was, once a minute; none while it was empty.
CREATE TABLE job_depths (
  minute timestamptz NOT NULL,
  queue text NOT NULL,
  waiting bigint NOT NULL,
  running bigint NOT NULL,
  oldest_seconds double precision NOT NULL,
  CONSTRAINT job_depths_pkey PRIMARY KEY (minute, queue)
);

-- One row: until when the history is written. Whoever holds its lock writes on.
CREATE TABLE job_history_mark (
  only_one boolean PRIMARY KEY DEFAULT true CONSTRAINT job_history_mark_only_one CHECK (only_one),
  written_until timestamptz NOT NULL
);
