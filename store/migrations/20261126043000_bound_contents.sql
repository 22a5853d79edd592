-- What a job is to put onto its card, sealed under the member's key (upper-case hex): what the member changes meanwhile changes no job that was
-- begun. Empty when the job is resolved, and in jobs that were made before this column.
ALTER TABLE online_job ADD COLUMN sealed TEXT NOT NULL DEFAULT '';
