-- What tills told, each line of a receipt once. A reversal that comes before its sale stands here alone, so that the sale does nothing.
CREATE TABLE sale_notice (
  retailer    TEXT   NOT NULL,
  shop        TEXT   NOT NULL,
  receipt     TEXT   NOT NULL,
  line        BIGINT NOT NULL CHECK (line > 0),
  printed     TEXT   NOT NULL,                               -- as the till read it; empty in a reversal without its sale
  sold_at     TEXT   NOT NULL,                               -- as the till told it, RFC 3339; empty likewise
  card        TEXT   REFERENCES stock_card (kdd),            -- the card that it is about, where one was found
  state       TEXT   NOT NULL CONSTRAINT sale_notice_state_known CHECK (state IN ('sold', 'reversed', 'exception')),
  reason      TEXT   NOT NULL DEFAULT '',                    -- of an exception
  told_at     TEXT   NOT NULL,
  reversed_at TEXT,                                          -- when it was taken back
  reversed_by TEXT,                                          -- `till`, or the operator who did it for one
  CONSTRAINT sale_notice_reversed_by_somebody CHECK ((reversed_at IS NULL) = (reversed_by IS NULL)),
  PRIMARY KEY (retailer, shop, receipt, line)
);
CREATE INDEX sale_notice_by_card ON sale_notice (card);
CREATE INDEX sale_notice_by_state ON sale_notice (state, told_at);
