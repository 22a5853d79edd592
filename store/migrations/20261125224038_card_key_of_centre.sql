-- A centre knows key sets of cards that no job of its own made: card_key no longer asks for a row in chip. The census counts as before.
CREATE TABLE card_key_of_any (
  card    TEXT   NOT NULL CHECK (length(card) = 20),         -- KDD
  df      TEXT   NOT NULL,                                   -- DF name, hex
  kvn     BIGINT NOT NULL CHECK (kvn BETWEEN 1 AND 255),
  key     TEXT   NOT NULL,                                   -- key name: ap/ticket
  version BIGINT NOT NULL CHECK (version > 0),
  state   TEXT   NOT NULL CHECK (state IN ('offered', 'proved', 'deleted')),  -- offered: a script that writes it may have run
  PRIMARY KEY (card, df, kvn, key, version)
);
INSERT INTO card_key_of_any (card, df, kvn, key, version, state) SELECT card, df, kvn, key, version, state FROM card_key;
DROP TABLE card_key;
ALTER TABLE card_key_of_any RENAME TO card_key;
CREATE INDEX card_key_by_version ON card_key (key, version, state);
