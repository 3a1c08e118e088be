DROP TRIGGER job_workers_fence ON river_job;
DROP FUNCTION job_workers_fence();
DROP TABLE job_workers;
