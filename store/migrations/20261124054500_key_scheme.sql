-- How the keys of a card come from a version: kdf3 and an10922 derive them, with fixed the version's key is all three keys of every card.
ALTER TABLE key_version ADD COLUMN scheme TEXT NOT NULL DEFAULT 'kdf3'
  CONSTRAINT key_version_scheme_known CHECK (scheme IN ('kdf3', 'an10922', 'fixed'));
