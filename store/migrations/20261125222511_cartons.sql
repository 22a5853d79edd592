-- Packing: which carton a good card left the line in.

-- Label of the carton that the card is in; empty until it is packed.
ALTER TABLE card ADD COLUMN carton TEXT NOT NULL DEFAULT '';
CREATE INDEX card_by_printed ON card (job, printed);
CREATE INDEX card_by_carton ON card (job, carton, position) WHERE carton <> '';

-- A carton, once in the whole store: its label is on the box.
CREATE TABLE carton (
  label    TEXT   NOT NULL PRIMARY KEY,
  job      TEXT   NOT NULL REFERENCES job (id),
  size     BIGINT NOT NULL CHECK (size > 0),                 -- cards that it holds
  cards    BIGINT NOT NULL DEFAULT 0,                        -- cards in it
  matched  BIGINT NOT NULL DEFAULT 0,                        -- of these, cards whose chip was read when they were packed
  begun_at TEXT   NOT NULL,
  CONSTRAINT carton_not_overfull CHECK (cards BETWEEN 0 AND size AND matched BETWEEN 0 AND cards)
);
CREATE INDEX carton_by_job ON carton (job, label);
