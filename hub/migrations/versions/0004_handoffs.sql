-- Signed records of handoffs, counter-records and signed minutes. What was signed stands in custody_content; here is what
-- a handoff has come to, and the hash that the next record of the same dossier begins with.
ALTER TABLE handoff DROP CONSTRAINT handoff_status_check;
ALTER TABLE handoff
    ALTER COLUMN transfer_id DROP NOT NULL,          -- NULL: it does not go out by itself (unsigned; a way back)
    ADD COLUMN act text NOT NULL DEFAULT 'transfer' CHECK (act IN ('transfer', 'return')),
    ADD COLUMN carrier text NOT NULL DEFAULT 'wire' CHECK (carrier IN ('wire', 'post')),
    ADD COLUMN officer text,                         -- who signs for the giver, by the roster's id
    ADD COLUMN result text NOT NULL DEFAULT 'none' CHECK (result IN ('none', 'early', 'on_time', 'late')),
    ADD COLUMN record_hash bytea CHECK (length(record_hash) = 32),  -- NULL: from before records were signed
    ADD COLUMN salt bytea,                           -- of the record's "personal"; erased with the person's data
    ADD COLUMN draft bytea,                          -- the record, while it waits to be signed elsewhere
    ADD COLUMN leaf_id text REFERENCES custody_leaf (id),           -- the signed record
    ADD COLUMN receipt_leaf_id text REFERENCES custody_leaf (id),   -- the receiver's counter-record
    ADD COLUMN delivered_at timestamptz,             -- the paper, by the postal operator's word
    ADD COLUMN taken_at timestamptz,                 -- when the receiver took it: by its receipt, or by the minute
    ADD COLUMN completed_at timestamptz,
    ADD CONSTRAINT handoff_status_check
        CHECK (status IN ('unsigned', 'prepared', 'acknowledged', 'complete', 'refused')),
    ADD CONSTRAINT handoff_draft_is_unsigned CHECK ((draft IS NOT NULL) = (status = 'unsigned')),
    ADD CONSTRAINT handoff_complete_has_its_time CHECK ((completed_at IS NOT NULL) = (status = 'complete'));
CREATE INDEX handoff_unsigned ON handoff (prepared_at) WHERE status = 'unsigned';
CREATE INDEX handoff_open ON handoff (prepared_at) WHERE status IN ('prepared', 'acknowledged');

-- The paper minute (biên bản giao nhận) that both sides signed, scanned. Its time is the legal one (QĐ 45/2016 Article 7).
CREATE TABLE handoff_minute (
    handoff_id text PRIMARY KEY REFERENCES handoff (id),
    at         timestamptz NOT NULL,
    signers    text[] NOT NULL CHECK (cardinality(signers) BETWEEN 1 AND 10),
    salt       bytea NOT NULL,
    media_type text NOT NULL,
    sha256     bytea NOT NULL CHECK (length(sha256) = 32),
    file       bytea CHECK (length(file) BETWEEN 1 AND 10485760),   -- NULL: expired
    leaf_id    text NOT NULL REFERENCES custody_leaf (id),
    entered_by text NOT NULL,
    entered_at timestamptz NOT NULL
);
CREATE FUNCTION only_expire_minute() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.file IS NULL AND (NEW.handoff_id, NEW.at, NEW.media_type, NEW.sha256, NEW.leaf_id, NEW.entered_by, NEW.entered_at)
        = (OLD.handoff_id, OLD.at, OLD.media_type, OLD.sha256, OLD.leaf_id, OLD.entered_by, OLD.entered_at) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'handoff_minute is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER handoff_minute_only_expires BEFORE UPDATE ON handoff_minute
    FOR EACH ROW EXECUTE FUNCTION only_expire_minute();
CREATE TRIGGER handoff_minute_is_append_only BEFORE DELETE OR TRUNCATE ON handoff_minute
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
