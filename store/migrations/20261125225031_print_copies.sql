-- Print files: packages are printed before chips are encoded, so printed numbers and activation codes are fixed first.

-- A file that was made for a printer. The codes are in no table: they are made anew from the serials by the key version named here.
CREATE TABLE print_copy (
  job         TEXT   NOT NULL REFERENCES job (id),
  copy        BIGINT NOT NULL CHECK (copy > 0),              -- 1, 2, …: whoever has two has printed twice
  activation  TEXT   NOT NULL,                               -- version of the key that makes the codes; the same for all copies
  packages    BIGINT NOT NULL CHECK (packages > 0),          -- rows in the file
  recipients  TEXT   NOT NULL,                               -- age recipients, one space between
  file        TEXT   NOT NULL,                               -- where it was written
  file_sha256 TEXT   NOT NULL CHECK (length(file_sha256) = 64),  -- of the encrypted file
  made_at     TEXT   NOT NULL,
  PRIMARY KEY (job, copy)
);

-- A serial that a printer was given: it belongs to this order for ever, though no chip has it yet.
CREATE TABLE package (
  serial TEXT NOT NULL PRIMARY KEY,
  job    TEXT NOT NULL REFERENCES job (id)
);
CREATE INDEX package_by_job ON package (job);
