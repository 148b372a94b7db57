-- What persons do about exceptions: who has one, how it is to be settled, who agreed.

ALTER TABLE exception_case
    ADD COLUMN details        jsonb NOT NULL DEFAULT '{}',  -- what the resolution has to know
    ADD COLUMN reason         text,                  -- of the resolution
    ADD COLUMN persons        smallint CHECK (persons IN (1, 2)),  -- how many it takes
    ADD COLUMN assigned_to    text,
    ADD COLUMN carried_by     text,                  -- who let it stay open over a close, and
    ADD COLUMN carried_reason text,                  -- why
    ADD COLUMN opened_at      timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN resolved_at    timestamptz,
    ADD CHECK (checker IS NULL OR maker IS NOT NULL),
    ADD CHECK (state NOT IN ('proposed', 'approved') OR (resolution IS NOT NULL AND maker IS NOT NULL)),
    ADD CHECK (state <> 'assigned' OR assigned_to IS NOT NULL),
    ADD CHECK (state NOT IN ('approved', 'resolved') OR persons IS DISTINCT FROM 2 OR checker IS NOT NULL),
    ADD CHECK ((carried_by IS NULL) = (carried_reason IS NULL));

-- A later match explains a case, whatever was proposed about it: the proposal is over. A case ends at a time; what is
-- resolved stays as it was resolved until it is opened again.
CREATE FUNCTION settle_case() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'resolved' AND NEW.state = 'resolved' THEN
        RAISE EXCEPTION 'the case % is resolved', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state = 'resolved' AND OLD.persons IS NOT NULL AND NEW.resolution IS DISTINCT FROM OLD.resolution THEN
        NEW.persons := NULL; NEW.maker := NULL; NEW.checker := NULL; NEW.details := '{}'; NEW.reason := NULL;
    END IF;
    NEW.resolved_at := CASE WHEN NEW.state = 'resolved' THEN now() END;
    RETURN NEW;
END $$;
CREATE TRIGGER exception_case_is_settled BEFORE UPDATE OF state ON exception_case
    FOR EACH ROW EXECUTE FUNCTION settle_case();
