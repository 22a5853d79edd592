-- Length in bits of the card keys that come from a version, and of the key-derivation key itself. Keys that derive nothing keep the default.
ALTER TABLE key_version ADD COLUMN bits BIGINT NOT NULL DEFAULT 128
  CONSTRAINT key_version_bits_known CHECK (bits IN (128, 256));
