-- Activation over the network: jobs, sessions with terminals, scripts, and what is known of the counters of key sets.
-- Byte strings are upper-case hex, times RFC 3339 in UTC. No personal data: a job keeps a salted digest of what it writes.

-- What is to be done to one application of one card, paid for by one entitlement.
CREATE TABLE online_job (
  id          TEXT   NOT NULL PRIMARY KEY CHECK (length(id) = 16),  -- as the card's progress records name it
  purpose     TEXT   NOT NULL CHECK (purpose IN ('activate', 'renew', 'update', 'reissue')),
  service_order TEXT NOT NULL,
  entitlement TEXT   NOT NULL,
  card        TEXT   NOT NULL CHECK (length(card) = 20),
  df          TEXT   NOT NULL,                               -- DF name
  salt        TEXT   NOT NULL CHECK (length(salt) = 32),
  digest      TEXT   NOT NULL CHECK (length(digest) = 16),   -- of salt and contents: another content under this job is found out
  state       TEXT   NOT NULL CHECK (state IN
                ('created', 'ready', 'offered', 'unknown', 'confirmed', 'cancelled', 'expired', 'superseded', 'failed')),
  contacts    BIGINT NOT NULL DEFAULT 0 CHECK (contacts >= 0),  -- at which the card proved itself
  receipt     TEXT   NOT NULL DEFAULT '',                    -- JSON; empty until confirmed
  created_at  TEXT   NOT NULL,
  changed_at  TEXT   NOT NULL,
  CONSTRAINT online_job_confirmed_has_receipt CHECK (state <> 'confirmed' OR receipt <> '')
);
CREATE INDEX online_job_by_state ON online_job (state, changed_at);
CREATE INDEX online_job_by_card ON online_job (card, df);
-- One payment, one job at work.
CREATE UNIQUE INDEX online_job_one_for_an_entitlement ON online_job (entitlement)
  WHERE state IN ('created', 'ready', 'offered', 'unknown', 'confirmed');

-- A terminal's conversation with the centre; any node goes on with it.
CREATE TABLE online_session (
  sid       TEXT   NOT NULL PRIMARY KEY CHECK (length(sid) = 32),
  purpose   TEXT   NOT NULL CHECK (purpose IN ('activate', 'read')),
  token_sha256 TEXT NOT NULL CHECK (length(token_sha256) = 64),  -- of the order's token
  job       TEXT   NOT NULL,                                 -- empty for a session that only reads
  locale    TEXT   NOT NULL CHECK (locale IN ('en', 'ja')),
  carrier   TEXT   NOT NULL CHECK (carrier IN ('whole', 't0')),  -- how the reader carries commands
  last_seq  BIGINT NOT NULL CHECK (last_seq >= 0),           -- of the last message that was answered
  state     TEXT   NOT NULL CHECK (state IN ('open', 'ended')),
  node      TEXT   NOT NULL,                                 -- that opened it
  opened_at TEXT   NOT NULL
);

-- Every message that was answered, so that a repeated one gets the same answer.
CREATE TABLE online_message (
  sid         TEXT   NOT NULL REFERENCES online_session (sid),
  seq         BIGINT NOT NULL CHECK (seq >= 0),
  body_sha256 TEXT   NOT NULL CHECK (length(body_sha256) = 64),
  answer      TEXT   NOT NULL,                               -- empty when it was a script that is resolved
  answered_at TEXT   NOT NULL,
  PRIMARY KEY (sid, seq)
);

-- What was given to a terminal for a card. Stored before its first byte leaves; the commands themselves stand in the answer.
CREATE TABLE online_script (
  id              TEXT   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  sid             TEXT   NOT NULL REFERENCES online_session (sid),
  seq             BIGINT NOT NULL,                           -- of the message that it answers
  job             TEXT   NOT NULL,
  card            TEXT   NOT NULL CHECK (length(card) = 20),
  df              TEXT   NOT NULL,
  kvn             BIGINT NOT NULL CHECK (kvn BETWEEN 1 AND 255),
  kind            TEXT   NOT NULL CHECK (kind IN ('introduce', 'look', 'write', 'read')),
  leads_to        TEXT   NOT NULL CHECK (leads_to IN ('', 'look', 'write', 'read')),  -- what follows an introduction in the same session
  host_challenge  TEXT   NOT NULL CHECK (length(host_challenge) = 16),
  counter         BIGINT NOT NULL CHECK (counter BETWEEN 0 AND 16777215),  -- of the key set as the script foresees it; 0 when the card is asked
  counter_floor   BIGINT NOT NULL CHECK (counter_floor >= 0),  -- highest proved when it was made: a card that is not beyond it is a copy
  answered        TEXT   NOT NULL,                           -- INITIALIZE UPDATE's answer that it goes on from; empty otherwise
  found           TEXT   NOT NULL,                           -- JSON: where the card stands before it, for a script that writes
  commands_sha256 TEXT   NOT NULL CHECK (length(commands_sha256) = 64),
  state           TEXT   NOT NULL CHECK (state IN ('offered', 'unknown', 'confirmed', 'dead')),
  made_at         TEXT   NOT NULL,
  expires_at      TEXT   NOT NULL,
  CONSTRAINT online_script_introduction_leads CHECK ((kind = 'introduce') = (leads_to <> ''))
);
-- No forked session: one string of commands for a pair of challenges, and one introduction before it.
CREATE UNIQUE INDEX online_script_one_for_a_challenge ON online_script (card, df, kvn, host_challenge) WHERE kind <> 'introduce';
CREATE UNIQUE INDEX online_script_one_introduction ON online_script (card, df, kvn, host_challenge) WHERE kind = 'introduce';
CREATE INDEX online_script_by_session ON online_script (sid, seq);
CREATE INDEX online_script_by_job ON online_script (job);
-- One script that writes is outstanding for an application of a card.
CREATE UNIQUE INDEX online_script_one_outstanding ON online_script (card, df) WHERE kind = 'write' AND state IN ('offered', 'unknown');

-- How far the counter of a key set is proved to be, and how its card makes challenges.
CREATE TABLE key_set_counter (
  card      TEXT   NOT NULL,
  df        TEXT   NOT NULL,
  kvn       BIGINT NOT NULL,
  verified  BIGINT NOT NULL CHECK (verified >= 0),
  challenge TEXT   NOT NULL CHECK (challenge IN ('pseudo-random', 'random')),
  at        TEXT   NOT NULL,
  PRIMARY KEY (card, df, kvn)
);

-- Cards that get no more scripts.
CREATE TABLE online_block (
  card   TEXT NOT NULL PRIMARY KEY,
  reason TEXT NOT NULL,
  who    TEXT NOT NULL,                                      -- the officer, or `engine`
  at     TEXT NOT NULL
);

-- Nodes that serve, or have served.
CREATE TABLE online_node (
  node       TEXT NOT NULL PRIMARY KEY,
  url        TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('serving', 'draining', 'stopped')),
  started_at TEXT NOT NULL,
  seen_at    TEXT NOT NULL                                   -- when it told last that it lives
);

-- Jobs that two of the staff gave up.
CREATE TABLE online_write_off (
  job      TEXT NOT NULL PRIMARY KEY REFERENCES online_job (id),
  operator TEXT NOT NULL,
  checker  TEXT NOT NULL,
  reason   TEXT NOT NULL,
  at       TEXT NOT NULL,
  CONSTRAINT online_write_off_by_two CHECK (operator <> checker)
);
