ALTER TABLE job_workers DROP COLUMN queues;
DROP TABLE job_schedules;
