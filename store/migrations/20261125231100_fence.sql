-- How old a store is, so that a restored one is noticed, and the fences that officers put around what it has forgotten.

CREATE TABLE store_age (
  one        BIGINT NOT NULL PRIMARY KEY CONSTRAINT store_age_single CHECK (one = 1),
  store      TEXT   NOT NULL,                                -- random, once for each store
  generation BIGINT NOT NULL CONSTRAINT store_age_counted CHECK (generation >= 0)  -- grows with every sign of life of a line
);

CREATE TABLE fence (
  number    BIGINT NOT NULL PRIMARY KEY CONSTRAINT fence_number_counted CHECK (number > 0),
  officer   TEXT   NOT NULL,
  facts     TEXT   NOT NULL,                                 -- what was fenced, as it was signed
  key       TEXT   NOT NULL,                                 -- receipt key's version
  signature TEXT   NOT NULL,                                 -- ECDSA P-256 over SHA-256 of the facts: r, s, hex
  at        TEXT   NOT NULL
);

-- Serials on cards that left in deliveries which this store does not know: no chip gets them.
CREATE TABLE fenced_serial (
  serial TEXT   NOT NULL PRIMARY KEY,
  kdd    TEXT   NOT NULL,
  fence  BIGINT NOT NULL REFERENCES fence (number)
);

CREATE TABLE fenced_delivery (
  manifest_sha256 TEXT   NOT NULL PRIMARY KEY,
  job             TEXT   NOT NULL,
  number          BIGINT NOT NULL,
  fence           BIGINT NOT NULL REFERENCES fence (number)
);
