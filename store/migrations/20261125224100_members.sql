-- The commercial side of the service centre: stock, members, orders, payments. Byte strings are upper-case hex unless said otherwise,
-- times RFC 3339 in UTC, money counts in the currency's smallest unit. Nothing here is personal data in clear.

-- A delivery that was taken in. Its cards count from the moment that it is complete.
CREATE TABLE stock_delivery (
  order_id        TEXT   NOT NULL,                           -- number of the line's order
  number          BIGINT NOT NULL CHECK (number > 0),        -- of the delivery within it
  manifest_sha256 TEXT   NOT NULL CHECK (length(manifest_sha256) = 64),
  signed_by       TEXT   NOT NULL CHECK (length(signed_by) = 64),  -- SHA-256 of the receipt key it verified under
  site            TEXT   NOT NULL,
  profile         TEXT   NOT NULL,
  profile_sha256  TEXT   NOT NULL CHECK (length(profile_sha256) = 64),
  lot             TEXT   NOT NULL,
  cards           BIGINT NOT NULL CHECK (cards >= 0),
  state           TEXT   NOT NULL CONSTRAINT stock_delivery_state_known CHECK (state IN ('begun', 'complete')),
  begun_at        TEXT   NOT NULL,
  PRIMARY KEY (order_id, number)
);

-- A card on its way to a buyer, or with one.
CREATE TABLE stock_card (
  kdd             TEXT   NOT NULL PRIMARY KEY CHECK (length(kdd) = 20),
  serial          TEXT   NOT NULL UNIQUE,
  printed         TEXT   NOT NULL UNIQUE,                    -- number on card or package
  code_index      TEXT,                                      -- VERSION:HEX, MAC of the activation code under that version of `index`
  delivery_order  TEXT   NOT NULL,
  delivery_number BIGINT NOT NULL,
  carton          TEXT   NOT NULL,                           -- empty until packed
  state           TEXT   NOT NULL CONSTRAINT stock_card_state_known CHECK (state IN
                    ('in-transit', 'stock', 'sold', 'void', 'lost', 'blocked', 'replaced')),
  shop            TEXT   NOT NULL DEFAULT '',                -- where it is, or is going; empty: the centre's own store
  changed_at      TEXT   NOT NULL,
  FOREIGN KEY (delivery_order, delivery_number) REFERENCES stock_delivery (order_id, number)
);
CREATE INDEX stock_card_by_code ON stock_card (code_index);
CREATE INDEX stock_card_by_delivery ON stock_card (delivery_order, delivery_number);
CREATE INDEX stock_card_by_carton ON stock_card (carton);

-- Cards that may not be activated for now (利用停止). A hold counts for cards that are taken in later, too.
CREATE TABLE stock_hold (
  id         TEXT NOT NULL PRIMARY KEY,
  scope      TEXT NOT NULL CONSTRAINT stock_hold_scope_known CHECK (scope IN ('lot', 'carton', 'range', 'card')),
  first      TEXT NOT NULL,                                  -- lot, carton, serial; the first serial of a range
  last       TEXT NOT NULL,                                  -- the last serial of a range; else as first
  reason     TEXT NOT NULL,
  placed_by  TEXT NOT NULL,
  placed_at  TEXT NOT NULL,
  lifted_by  TEXT,
  checked_by TEXT,                                           -- second person of the lifting
  lifted_at  TEXT,
  CONSTRAINT stock_hold_lifted_by_two CHECK (lifted_at IS NULL OR lifted_by <> checked_by)
);

-- An application on a card: one member's at most.
CREATE TABLE card_application (
  card        TEXT NOT NULL REFERENCES stock_card (kdd),
  df          TEXT NOT NULL,                                 -- DF name
  application TEXT NOT NULL,                                 -- as in the profile
  state       TEXT NOT NULL CONSTRAINT card_application_state_known CHECK (state IN
                ('blank', 'active', 'suspended', 'expired', 'closed')),
  claimed_by  TEXT UNIQUE,                                   -- order that claimed it by the activation code
  changed_at  TEXT NOT NULL,
  PRIMARY KEY (card, df)
);

CREATE TABLE member (
  id          TEXT NOT NULL PRIMARY KEY,
  locale      TEXT NOT NULL,
  key_version TEXT NOT NULL,                                 -- vault@1
  data_key    TEXT,                                          -- wrapped under it; NULL: the member was erased
  created_at  TEXT NOT NULL,
  erased_at   TEXT,
  CONSTRAINT member_erased_has_no_key CHECK ((data_key IS NULL) = (erased_at IS NOT NULL))
);

-- Personal data, sealed.
CREATE TABLE member_field (
  member     TEXT NOT NULL REFERENCES member (id),
  field_set  TEXT NOT NULL,
  sealed     TEXT NOT NULL,
  changed_at TEXT NOT NULL,
  PRIMARY KEY (member, field_set)
);

-- What a member can be looked for by: a MAC of the field's name and value.
CREATE TABLE member_index (
  field  TEXT NOT NULL,
  blind  TEXT NOT NULL,                                      -- VERSION:HEX, MAC under that version of `index`
  member TEXT NOT NULL REFERENCES member (id),
  PRIMARY KEY (field, blind, member)
);
CREATE INDEX member_index_by_member ON member_index (member);

-- The next member number of each service.
CREATE TABLE member_number (
  service TEXT   NOT NULL PRIMARY KEY,
  next    BIGINT NOT NULL CHECK (next >= 0)                  -- without check digit
);

CREATE TABLE service_order (
  id            TEXT   NOT NULL PRIMARY KEY,
  member        TEXT   NOT NULL REFERENCES member (id),
  service       TEXT   NOT NULL,
  application   TEXT   NOT NULL,
  fee           BIGINT NOT NULL CHECK (fee >= 0),
  currency      TEXT   NOT NULL CHECK (length(currency) = 3),
  token_sha256  TEXT   NOT NULL UNIQUE CHECK (length(token_sha256) = 64),
  request_key   TEXT   UNIQUE,                               -- of the request that made it; the same again is the same order
  card          TEXT,                                        -- claimed by the activation code
  df            TEXT,
  number        TEXT,                                        -- member number; assigned when the fee is confirmed
  expiry        TEXT,                                        -- YYYY-MM-DD, last day
  created_at    TEXT   NOT NULL,
  UNIQUE (service, number),
  CONSTRAINT service_order_card_has_df CHECK ((card IS NULL) = (df IS NULL))
);
CREATE INDEX service_order_by_member ON service_order (member);

-- The right to one activation.
CREATE TABLE entitlement (
  id         TEXT NOT NULL PRIMARY KEY,
  order_id   TEXT NOT NULL UNIQUE REFERENCES service_order (id),
  member     TEXT NOT NULL REFERENCES member (id),
  state      TEXT NOT NULL CONSTRAINT entitlement_state_known CHECK (state IN ('pending', 'granted', 'reserved', 'consumed', 'reversed')),
  job        TEXT,                                           -- that has it reserved or consumed it
  changed_at TEXT NOT NULL,
  CONSTRAINT entitlement_in_use_names_its_job CHECK (state NOT IN ('reserved', 'consumed') OR job IS NOT NULL)
);

-- Wrong activation codes lately, by order, printed number and client.
CREATE TABLE claim_try (
  subject      TEXT   NOT NULL PRIMARY KEY,                  -- order:ID, printed:NUMBER, client:MAC
  wrong        BIGINT NOT NULL CHECK (wrong > 0),
  first_at     TEXT   NOT NULL,
  locked_until TEXT
);

-- What a payment provider or a bank told, once each.
CREATE TABLE payment (
  event      TEXT   NOT NULL PRIMARY KEY,                    -- unique at the provider
  source     TEXT   NOT NULL CONSTRAINT payment_source_known CHECK (source IN ('webhook', 'file')),
  kind       TEXT   NOT NULL CONSTRAINT payment_kind_known CHECK (kind IN ('paid', 'refunded', 'charged-back')),
  reference  TEXT   NOT NULL,                                -- as the payer or the provider gave it
  amount     BIGINT NOT NULL CHECK (amount > 0),
  currency   TEXT   NOT NULL,
  sha256     TEXT   NOT NULL CHECK (length(sha256) = 64),    -- of what was told: another content under this event is refused
  order_id   TEXT   REFERENCES service_order (id),           -- that it settled
  state      TEXT   NOT NULL CONSTRAINT payment_state_known CHECK (state IN ('received', 'settled', 'exception')),
  reason     TEXT   NOT NULL DEFAULT '',                     -- of an exception
  settled_by TEXT,                                           -- who matched an exception
  told_at    TEXT   NOT NULL
);
CREATE INDEX payment_by_state ON payment (state, told_at);

-- Applications that are to be blocked on their cards, because their fee was charged back.
CREATE TABLE card_block (
  card     TEXT NOT NULL,
  df       TEXT NOT NULL,
  order_id TEXT NOT NULL REFERENCES service_order (id),
  reason   TEXT NOT NULL,
  state    TEXT NOT NULL CONSTRAINT card_block_state_known CHECK (state IN ('open', 'done')),
  begun_at TEXT NOT NULL,
  PRIMARY KEY (card, df, order_id)
);
