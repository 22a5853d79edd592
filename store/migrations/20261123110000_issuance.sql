-- Issuance: jobs, chips, cards, key sets on cards, and the write-ahead journal that explains every change of them.
-- Byte strings are upper-case hex, times RFC 3339 with offset, counts start at 0.

-- One order on one line.
CREATE TABLE job (
  id            TEXT   NOT NULL PRIMARY KEY,                 -- order number
  order_sha256  TEXT   NOT NULL CHECK (length(order_sha256) = 64),  -- of the order file's bytes: another file under this number is refused
  order_text    TEXT   NOT NULL,                             -- the order as given, for the auditor
  profile       TEXT   NOT NULL,                             -- product profile's name
  profile_sha256 TEXT  NOT NULL CHECK (length(profile_sha256) = 64),
  first_stage   BIGINT NOT NULL CHECK (first_stage IN (0, 1)),
  last_stage    BIGINT NOT NULL CHECK (last_stage IN (0, 1) AND last_stage >= first_stage),
  quantity      BIGINT NOT NULL CHECK (quantity > 0),        -- good cards ordered
  spares        BIGINT NOT NULL CHECK (spares >= 0),         -- serials beyond the quantity that rejects may use up
  lot           TEXT   NOT NULL,
  state         TEXT   NOT NULL CHECK (state IN ('open', 'complete', 'stopped')),
  stop_reason   TEXT   NOT NULL DEFAULT '',                  -- why the line stopped; empty otherwise
  approved_by   TEXT   NOT NULL DEFAULT '',                  -- who approved the first articles; empty until then
  entries       BIGINT NOT NULL DEFAULT 0,                   -- journal entries of this job
  chain_sha256  TEXT   NOT NULL CHECK (length(chain_sha256) = 64),  -- hash of the last journal entry
  created_at    TEXT   NOT NULL
);

-- Key versions pinned when the job was made.
CREATE TABLE job_key (
  job     TEXT NOT NULL REFERENCES job (id),
  name    TEXT NOT NULL,                                     -- as in the profile: issuer, ap/ticket
  version TEXT NOT NULL,                                     -- ap/ticket@2
  PRIMARY KEY (job, name)
);

-- A chip, once in the whole store: the 10 bytes it answers to INITIALIZE UPDATE.
CREATE TABLE chip (
  kdd   TEXT NOT NULL PRIMARY KEY CHECK (length(kdd) = 20),
  job   TEXT NOT NULL REFERENCES job (id),                   -- the job that holds it now
  stage TEXT NOT NULL CHECK (stage IN ('blank', 'zeroth', 'first'))  -- the last stage that a job sealed
);

-- A chip in a job.
CREATE TABLE card (
  job       TEXT   NOT NULL REFERENCES job (id),
  kdd       TEXT   NOT NULL REFERENCES chip (kdd),
  serial    TEXT   NOT NULL,
  position  BIGINT NOT NULL CHECK (position >= 0),           -- of the serial in the order
  printed   TEXT   NOT NULL,                                 -- number printed on the package; the serial when the order names none
  state     TEXT   NOT NULL CHECK (state IN ('bound', 'intended', 'zeroth', 'first', 'verified', 'sealed', 'rejected', 'unknown')),
  attempt   BIGINT NOT NULL CHECK (attempt > 0),             -- times the chip was put in
  encoder   TEXT   NOT NULL,
  operator  TEXT   NOT NULL,
  issued_at TEXT,                                            -- when it was sealed
  delivery  BIGINT,                                          -- number of the delivery that it leaves with
  PRIMARY KEY (job, kdd),
  UNIQUE (job, position),
  UNIQUE (serial, job)
);
CREATE INDEX card_by_state ON card (job, state, position);
CREATE INDEX card_by_delivery ON card (job, delivery, position);

-- Parts of a job that were handed over. The cards of a part are chosen before its folder is written: a crash in between is continued with
-- the same cards under the same number.
CREATE TABLE delivery (
  job             TEXT   NOT NULL REFERENCES job (id),
  number          BIGINT NOT NULL CHECK (number > 0),
  cards           BIGINT NOT NULL CHECK (cards >= 0),
  state           TEXT   NOT NULL CHECK (state IN ('begun', 'published')),
  folder          TEXT   NOT NULL DEFAULT '',
  manifest_sha256 TEXT   NOT NULL DEFAULT '',
  begun_at        TEXT   NOT NULL,
  PRIMARY KEY (job, number)
);

-- A serial belongs to one chip for ever, over all jobs.
CREATE TABLE serial (
  serial TEXT NOT NULL PRIMARY KEY,
  kdd    TEXT NOT NULL
);

-- Key sets that a card may carry: the census of key versions counts here.
CREATE TABLE card_key (
  card    TEXT   NOT NULL REFERENCES chip (kdd),
  df      TEXT   NOT NULL,                                   -- DF name, hex
  kvn     BIGINT NOT NULL CHECK (kvn BETWEEN 1 AND 255),
  key     TEXT   NOT NULL,                                   -- key name: ap/ticket
  version BIGINT NOT NULL CHECK (version > 0),
  state   TEXT   NOT NULL CHECK (state IN ('offered', 'proved', 'deleted')),  -- offered: a script that writes it may have run
  PRIMARY KEY (card, df, kvn, key, version)
);
CREATE INDEX card_key_by_version ON card_key (key, version, state);

-- Chips in the reject bin, in the order in which they fell.
CREATE TABLE reject (
  job         TEXT   NOT NULL REFERENCES job (id),
  seq         BIGINT NOT NULL CHECK (seq > 0),
  kdd         TEXT   NOT NULL,                               -- empty for a chip that told no identity
  serial      TEXT   NOT NULL,                               -- empty when none was bound
  class       TEXT   NOT NULL CHECK (class IN ('reader', 'card', 'key', 'data', 'hsm', 'store')),
  code        TEXT   NOT NULL,                               -- stable error code
  step        TEXT   NOT NULL,
  sw          TEXT   NOT NULL,                               -- status word; empty when there was none
  encoder     TEXT   NOT NULL,
  attempt     BIGINT NOT NULL,
  live_keys   BIGINT NOT NULL CHECK (live_keys >= 0),         -- key sets of ours that the chip may carry
  disposition TEXT   NOT NULL CHECK (disposition IN ('bin', 'foreign', 'destroyed')),
  PRIMARY KEY (job, seq)
);

-- Append only. hash = SHA-256(previous hash, job, seq, kdd, serial, event, detail, at), fields separated by 1F.
CREATE TABLE journal (
  job    TEXT   NOT NULL REFERENCES job (id),
  seq    BIGINT NOT NULL CHECK (seq > 0),
  kdd    TEXT   NOT NULL,
  serial TEXT   NOT NULL,
  event  TEXT   NOT NULL,
  detail TEXT   NOT NULL,
  at     TEXT   NOT NULL,
  hash   TEXT   NOT NULL CHECK (length(hash) = 64),
  PRIMARY KEY (job, seq)
);
