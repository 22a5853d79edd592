-- Sessions of an order are counted each time another one is opened for it.
CREATE INDEX online_session_by_order ON online_session (token_sha256, opened_at);
