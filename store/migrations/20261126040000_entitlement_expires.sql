-- An order that nobody paid or used in its time expires. The table is made anew, because SQLite cannot change a rule of one that is there.
CREATE TABLE entitlement_next (
  id         TEXT NOT NULL PRIMARY KEY,
  order_id   TEXT NOT NULL UNIQUE REFERENCES service_order (id),
  member     TEXT NOT NULL REFERENCES member (id),
  state      TEXT NOT NULL CONSTRAINT entitlement_state_known CHECK (state IN
               ('pending', 'granted', 'reserved', 'consumed', 'reversed', 'expired')),
  job        TEXT,                                           -- that has it reserved or consumed it
  changed_at TEXT NOT NULL,
  CONSTRAINT entitlement_in_use_names_its_job CHECK (state NOT IN ('reserved', 'consumed') OR job IS NOT NULL)
);
INSERT INTO entitlement_next (id, order_id, member, state, job, changed_at)
  SELECT id, order_id, member, state, job, changed_at FROM entitlement;
DROP TABLE entitlement;
ALTER TABLE entitlement_next RENAME TO entitlement;
CREATE INDEX entitlement_by_state ON entitlement (state, changed_at);
-- Scripts that are at a terminal are looked for by their end.
CREATE INDEX online_script_by_end ON online_script (state, expires_at);
