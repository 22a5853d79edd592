-- Scripts that shut an application whose fee was charged back. The table is made anew, because SQLite cannot change a rule of one that is there.
CREATE TABLE online_script_next (
  id              TEXT   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  sid             TEXT   NOT NULL REFERENCES online_session (sid),
  seq             BIGINT NOT NULL,                           -- of the message that it answers
  job             TEXT   NOT NULL,
  card            TEXT   NOT NULL CHECK (length(card) = 20),
  df              TEXT   NOT NULL,                           -- whose key set opens the channel
  kvn             BIGINT NOT NULL CHECK (kvn BETWEEN 1 AND 255),
  kind            TEXT   NOT NULL CHECK (kind IN ('introduce', 'look', 'write', 'read', 'block')),
  leads_to        TEXT   NOT NULL CHECK (leads_to IN ('', 'look', 'write', 'read', 'block')),  -- what follows an introduction in the same session
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
INSERT INTO online_script_next (id, sid, seq, job, card, df, kvn, kind, leads_to, host_challenge, counter, counter_floor, answered, found,
                                commands_sha256, state, made_at, expires_at)
  SELECT id, sid, seq, job, card, df, kvn, kind, leads_to, host_challenge, counter, counter_floor, answered, found,
         commands_sha256, state, made_at, expires_at FROM online_script;
DROP TABLE online_script;
ALTER TABLE online_script_next RENAME TO online_script;
-- No forked session: one string of commands for a pair of challenges, and one introduction before it.
CREATE UNIQUE INDEX online_script_one_for_a_challenge ON online_script (card, df, kvn, host_challenge) WHERE kind <> 'introduce';
CREATE UNIQUE INDEX online_script_one_introduction ON online_script (card, df, kvn, host_challenge) WHERE kind = 'introduce';
CREATE INDEX online_script_by_session ON online_script (sid, seq);
CREATE INDEX online_script_by_job ON online_script (job);
CREATE INDEX online_script_by_end ON online_script (state, expires_at);
-- One script that writes is outstanding for an application of a card.
CREATE UNIQUE INDEX online_script_one_outstanding ON online_script (card, df) WHERE kind = 'write' AND state IN ('offered', 'unknown');
-- When the card proved that its application is shut.
ALTER TABLE card_block ADD COLUMN done_at TEXT;
