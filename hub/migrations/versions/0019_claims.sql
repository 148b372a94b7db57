-- Claims in a row that have not been settled, the one under way included: more than one means that processes died.
ALTER TABLE inbox ADD COLUMN open_claims integer NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN open_claims integer NOT NULL DEFAULT 0;
CREATE INDEX inbox_suspect ON inbox (due_at) WHERE open_claims > 1;
CREATE INDEX outbox_suspect ON outbox (due_at) WHERE open_claims > 1;
