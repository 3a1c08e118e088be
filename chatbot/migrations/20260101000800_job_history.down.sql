DROP TABLE job_history_mark;
DROP TABLE job_depths;
DROP TABLE job_history;
