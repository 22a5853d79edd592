-- Keys that come from the tokens of peers, and whose signature stands for a peer.

-- Where a version was born, when it was let in from a file of a peer; empty for all others. Its origin is then 'adopted'.
ALTER TABLE key_version ADD COLUMN peer TEXT NOT NULL DEFAULT '';

CREATE TABLE key_peer (
  name      TEXT NOT NULL PRIMARY KEY,                       -- as in kek/NAME
  point     TEXT NOT NULL,                                   -- identity key on P-256, uncompressed point, hex
  pinned_at TEXT NOT NULL                                    -- when a person said so
);
