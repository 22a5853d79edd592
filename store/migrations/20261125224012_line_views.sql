-- What each running line shows to whoever watches a job: one row per line, written over about once a second and taken away at the end of the run.
-- A line that died leaves its row; the time says how long it has been silent.
CREATE TABLE line_view (
  job  TEXT NOT NULL REFERENCES job (id),
  line TEXT NOT NULL,                                        -- names the process: site, process number, start
  view TEXT NOT NULL,                                        -- JSON; no secret, no personal data
  at   TEXT NOT NULL,
  PRIMARY KEY (job, line)
);
