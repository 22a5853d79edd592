-- A recall (回収) is a hold whose cards are to come back.
ALTER TABLE stock_hold ADD COLUMN kind TEXT NOT NULL DEFAULT 'hold' CONSTRAINT stock_hold_kind_known CHECK (kind IN ('hold', 'recall'));
