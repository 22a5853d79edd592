-- Digest of the answers to a script when everything goes as foreseen (upper-case hex): they are told from others without the session keys.
-- Empty when the script reads what only the card knows, and in scripts that were made before this column.
ALTER TABLE online_script ADD COLUMN foretold TEXT NOT NULL DEFAULT '' CHECK (length(foretold) IN (0, 66));
