-- Key registry: every version of every key that this site knows, the state it is in, and where the token has it. No key material.

-- State number of the registry. It grows by one in every transaction that changes key_version; HSM workers compare it.
CREATE TABLE key_registry (
  one   BIGINT NOT NULL PRIMARY KEY CONSTRAINT key_registry_one_row CHECK (one = 1),
  epoch BIGINT NOT NULL CHECK (epoch >= 0)                   -- changes so far
);

INSERT INTO key_registry (one, epoch) VALUES (1, 0);

CREATE TABLE key_version (
  name        TEXT   NOT NULL,                               -- of the key: issuer, ap/ticket
  number      BIGINT NOT NULL CHECK (number BETWEEN 1 AND 4294967295),  -- ap/ticket@3 has number 3
  token       TEXT   NOT NULL,                               -- label of the token
  label       TEXT   NOT NULL,                               -- CKA_LABEL of the object
  object_id   TEXT   NOT NULL,                               -- CKA_ID of the object, hex
  origin      TEXT   NOT NULL CONSTRAINT key_version_origin_known CHECK (origin IN ('born', 'public', 'adopted')),
  state       TEXT   NOT NULL CONSTRAINT key_version_state_known CHECK (state IN
                ('PRE-ACTIVE', 'ACTIVE', 'GRACE', 'RETIRED', 'DESTROYED', 'SUSPENDED(ACTIVE)', 'SUSPENDED(GRACE)')),
  trust       TEXT   NOT NULL CONSTRAINT key_version_trust_known CHECK (trust IN ('SOUND', 'COMPROMISED')),
  check_value TEXT,                                          -- labelled, gp:E79C05; NULL from intent to birth
  keks        TEXT   NOT NULL,                               -- KEKs it was wrapped under at birth, one space between
  created_at  TEXT   NOT NULL,                               -- of the intent, before the token was touched
  changed_at  TEXT   NOT NULL,                               -- of the last change of state or trust
  PRIMARY KEY (name, number),
  UNIQUE (token, label, object_id),
  CONSTRAINT key_version_used_has_check_value CHECK (state = 'PRE-ACTIVE' OR check_value IS NOT NULL)
);

-- Exactly one version of a key issues.
CREATE UNIQUE INDEX key_version_one_active ON key_version (name) WHERE state IN ('ACTIVE', 'SUSPENDED(ACTIVE)');
