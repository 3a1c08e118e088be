-- expand
-- Workers' signs of life, and the fence around those that were declared dead.
CREATE TABLE job_workers (
  id text PRIMARY KEY,
  release_id text NOT NULL,
  -- The kinds of job that it knows.
  kinds text[] NOT NULL,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  beaten_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  dead_at timestamptz
);

-- A session that names its worker may change a job only while this worker is alive, and a running job only while this
-- worker holds it. Sessions that name none (the API, River's user interface, other clients) are not judged.
CREATE FUNCTION job_workers_fence() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  worker text := coalesce(current_setting('chatbot.worker', true), '');
BEGIN
  IF worker = '' THEN
    RETURN NEW;
  END IF;
  IF NOT EXISTS (SELECT FROM job_workers WHERE id = worker AND dead_at IS NULL) THEN
    RETURN NULL;
  END IF;
  IF OLD.state = 'running' AND OLD.attempted_by[array_upper(OLD.attempted_by, 1)] IS DISTINCT FROM worker THEN
    RETURN NULL;
  END IF;
  RETURN NEW;
END;
$$;

CREATE TRIGGER job_workers_fence BEFORE UPDATE ON river_job
  FOR EACH ROW WHEN (OLD.state = 'running' OR NEW.state = 'running')
  EXECUTE FUNCTION job_workers_fence();
