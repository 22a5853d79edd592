-- The last transaction of each writer of a server: whoever lost the connection during COMMIT reads here what became of it.
-- In a file, whose COMMIT is never on its way, nothing is written here.
CREATE TABLE store_writer (
    writer  BIGINT PRIMARY KEY,                                        -- drawn when a program opens the store
    number  BIGINT NOT NULL CHECK (number >= 0),                       -- counted by the writer from 1; 0: none
    seen_at TEXT NOT NULL CHECK (length(seen_at) = 24)                 -- UTC, by the server's clock
);
