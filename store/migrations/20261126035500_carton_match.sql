-- Whether the chip of a packed card was read when it was packed: 1 it was, 0 its printed number alone was matched.
ALTER TABLE card ADD COLUMN matched BIGINT NOT NULL DEFAULT 0 CHECK (matched IN (0, 1));
