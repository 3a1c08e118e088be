-- expand
-- When each schedule ran last, and when it is due: in one place, so that a restart forgets nothing and no run happens twice.
CREATE TABLE job_schedules (
  name text PRIMARY KEY,
  cron text NOT NULL,
  kind text NOT NULL,
  queue text NOT NULL,
  next_run_at timestamptz NOT NULL,
  last_run_at timestamptz,
  last_job_id bigint
);

-- Jobs at a time in each queue that the worker takes from; NULL when it is of a release that does not say.
ALTER TABLE job_workers ADD COLUMN queues jsonb;
