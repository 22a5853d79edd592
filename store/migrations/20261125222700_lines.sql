-- Several lines on one job, the people who steer it, and what becomes of chips that are not good.

ALTER TABLE job ADD COLUMN mode TEXT NOT NULL DEFAULT 'test' CONSTRAINT job_mode_known CHECK (mode IN ('test', 'production'));
-- good cards that a second person looks at before the rest is made
ALTER TABLE job ADD COLUMN first_article BIGINT NOT NULL DEFAULT 0 CONSTRAINT job_first_article_counted CHECK (first_article >= 0);
-- what people want of the lines
ALTER TABLE job ADD COLUMN control TEXT NOT NULL DEFAULT 'go'
  CONSTRAINT job_control_known CHECK (control IN ('go', 'paused', 'cancelled', 'closed'));
ALTER TABLE job ADD COLUMN control_reason TEXT NOT NULL DEFAULT '';

-- times that a chip came back from the reject bin
ALTER TABLE card ADD COLUMN reworks BIGINT NOT NULL DEFAULT 0 CONSTRAINT card_reworks_counted CHECK (reworks >= 0);

-- A running line: how many cards it may still make good, and when it last said that it lives.
CREATE TABLE line (
  id       TEXT   NOT NULL PRIMARY KEY,                      -- JOB~NUMBER; whoever works under it holds the lock of that name
  job      TEXT   NOT NULL REFERENCES job (id),
  operator TEXT   NOT NULL,
  host     TEXT   NOT NULL,
  pid      BIGINT NOT NULL,
  rights   BIGINT NOT NULL CONSTRAINT line_rights_counted CHECK (rights >= 0),
  begun_at TEXT   NOT NULL,
  beat_at  TEXT   NOT NULL
);
CREATE INDEX line_by_job ON line (job);

-- Who ever worked at a line of a job: none of them can be its second person.
CREATE TABLE crew (
  job      TEXT NOT NULL REFERENCES job (id),
  operator TEXT NOT NULL,
  PRIMARY KEY (job, operator)
);

-- Encoders of running lines. Who releases one writes `working`; the line reads it.
CREATE TABLE encoder (
  line  TEXT NOT NULL,
  name  TEXT NOT NULL,
  state TEXT NOT NULL CONSTRAINT encoder_state_known CHECK (state IN ('working', 'quarantined')),
  since TEXT NOT NULL,
  PRIMARY KEY (line, name)
);

-- What no line holds of a job: quantity = good + unclaimed + the rights of its lines.
CREATE TABLE pool (
  job       TEXT   NOT NULL PRIMARY KEY REFERENCES job (id),
  unclaimed BIGINT NOT NULL CONSTRAINT pool_unclaimed_counted CHECK (unclaimed >= 0),
  next      BIGINT NOT NULL CONSTRAINT pool_next_counted CHECK (next >= 0)  -- serials from this position on were never given out
);
INSERT INTO pool (job, unclaimed, next)
  SELECT id, quantity - (SELECT COUNT(*) FROM card WHERE card.job = job.id AND card.state = 'sealed'),
    (SELECT COALESCE(MAX(position) + 1, 0) FROM card WHERE card.job = job.id) FROM job;

-- Serials below `next` that belong to no chip: claimed by a line, or given back.
CREATE TABLE slot (
  job      TEXT   NOT NULL REFERENCES job (id),
  position BIGINT NOT NULL CONSTRAINT slot_position_counted CHECK (position >= 0),
  line     TEXT   NOT NULL,                                  -- empty: nobody's
  PRIMARY KEY (job, position)
);
CREATE INDEX slot_by_line ON slot (job, line, position);

-- Good cards that were drawn for inspection: they are no cards of the order any more.
CREATE TABLE sample (
  job    TEXT NOT NULL REFERENCES job (id),
  kdd    TEXT NOT NULL REFERENCES chip (kdd),
  reason TEXT NOT NULL,
  person TEXT NOT NULL,
  at     TEXT NOT NULL,
  PRIMARY KEY (job, kdd)
);

-- Destructions of a job's reject bin.
CREATE TABLE destruction (
  job         TEXT   NOT NULL REFERENCES job (id),
  number      BIGINT NOT NULL CONSTRAINT destruction_number_counted CHECK (number > 0),
  chips       BIGINT NOT NULL CONSTRAINT destruction_chips_counted CHECK (chips > 0),
  witness     TEXT   NOT NULL,
  certificate TEXT   NOT NULL,
  at          TEXT   NOT NULL,
  PRIMARY KEY (job, number)
);
ALTER TABLE reject ADD COLUMN destruction BIGINT;            -- number of the destruction that it fell to

-- How a job was counted at its end, by two people.
CREATE TABLE job_close (
  job      TEXT   NOT NULL PRIMARY KEY REFERENCES job (id),
  checker  TEXT   NOT NULL,
  drawn    BIGINT NOT NULL CONSTRAINT job_close_drawn_counted CHECK (drawn >= 0),        -- chips taken from the stock
  returned BIGINT NOT NULL CONSTRAINT job_close_returned_counted CHECK (returned >= 0),  -- of them, given back untouched
  mute     BIGINT NOT NULL CONSTRAINT job_close_mute_counted CHECK (mute >= 0),          -- of them, chips that told no identity
  at       TEXT   NOT NULL
);
