-- What is demanded of whom for which dossier, and what became of it. Amounts are đồng.

CREATE SEQUENCE fee_reference_serial AS bigint MINVALUE 1 MAXVALUE 9999999999;

-- ISO 7064 MOD 97-10 over a text of capital letters and digits, letters read as 10 to 35 (schemas/payment_reference.py).
CREATE FUNCTION is_payment_reference(reference text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT reference ~ '^[A-Z]{2}[0-9]{12}$' AND right(reference, 2) BETWEEN '02' AND '98'
       AND ((ascii(reference) - 55)::text || (ascii(substr(reference, 2)) - 55)::text || substr(reference, 3))::numeric
           % 97 = 1
$$;

CREATE TABLE fee_demand (
    id            text PRIMARY KEY,
    dossier_id    text NOT NULL REFERENCES dossier (id),
    department    text NOT NULL,                     -- whose fees they are
    reference     text NOT NULL UNIQUE CHECK (is_payment_reference(reference)),
    bank_bin      text NOT NULL,                     -- of the bank in NAPAS's list, and
    account       text NOT NULL,                     -- of ours there, that it is to be paid into
    amount_due    bigint NOT NULL CHECK (amount_due > 0),
    waived        bigint NOT NULL DEFAULT 0 CHECK (waived >= 0),
    allocated     bigint NOT NULL DEFAULT 0,         -- of what was paid, what counts for this demand
    confirmed     bigint NOT NULL DEFAULT 0 CHECK (confirmed >= 0),  -- of that, what a statement has shown
    status        text NOT NULL,
    pay_first     boolean NOT NULL,                  -- the dossier waits for it
    issued_at     timestamptz NOT NULL,
    business_date date NOT NULL,                     -- of the issue, in Vietnam
    expires_at    timestamptz,                       -- NULL: stands until the dossier ends
    version       integer NOT NULL DEFAULT 1,
    updated_at    timestamptz NOT NULL DEFAULT now(),
    CHECK (allocated BETWEEN 0 AND amount_due - waived),
    CHECK (confirmed <= allocated),
    -- The status follows from the amounts.
    CHECK (CASE status
        WHEN 'issued' THEN allocated = 0 AND waived < amount_due
        WHEN 'part_paid' THEN allocated > 0 AND allocated + waived < amount_due
        WHEN 'paid_unconfirmed' THEN allocated > 0 AND allocated + waived = amount_due AND confirmed < allocated
        WHEN 'paid' THEN allocated > 0 AND allocated + waived = amount_due AND confirmed = allocated
        WHEN 'settled' THEN allocated > 0 AND allocated + waived = amount_due AND confirmed = allocated
        WHEN 'waived' THEN waived = amount_due
        WHEN 'reopened' THEN allocated + waived < amount_due
        WHEN 'expired' THEN allocated + waived < amount_due
        WHEN 'cancelled' THEN allocated + waived < amount_due
        WHEN 'refund_pending' THEN allocated > 0
        WHEN 'refunded' THEN allocated = 0
        ELSE false END)
);
CREATE INDEX fee_demand_dossier ON fee_demand (dossier_id);
CREATE INDEX fee_demand_expiring ON fee_demand (expires_at)
    WHERE status IN ('issued', 'part_paid', 'reopened') AND expires_at IS NOT NULL;
CREATE INDEX fee_demand_status ON fee_demand (status, issued_at);
-- A dossier is asked for its money by one demand at a time.
CREATE UNIQUE INDEX fee_demand_live ON fee_demand (dossier_id) WHERE status NOT IN ('cancelled', 'refunded');

-- What the sum is made of. Never changed but for what is waived of a line.
CREATE TABLE fee_demand_line (
    demand_id    text NOT NULL REFERENCES fee_demand (id),
    number       integer NOT NULL,
    fee_code     text NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('phi', 'le_phi')),
    title        text NOT NULL,                      -- of the fee in the catalogue
    department   text NOT NULL,
    amount       bigint NOT NULL CHECK (amount > 0),
    waived       bigint NOT NULL DEFAULT 0 CHECK (waived BETWEEN 0 AND amount),
    exemption    text,                               -- by which one it is waived
    retention_bp integer NOT NULL CHECK (retention_bp BETWEEN 0 AND 10000),
    basis        text,                               -- the provision: of the fee, or of the exemption
    PRIMARY KEY (demand_id, number),
    UNIQUE (demand_id, fee_code),
    CHECK (kind <> 'le_phi' OR retention_bp = 0),    -- all of a lệ phí goes to the budget
    CHECK (waived = 0 OR (exemption IS NOT NULL AND basis IS NOT NULL))
);

-- What was credited, by which evidence (a payment): once each. A reversal ends a credit, it does not undo it.
CREATE TABLE fee_credit (
    demand_id    text NOT NULL REFERENCES fee_demand (id),
    evidence     text NOT NULL,
    amount       bigint NOT NULL CHECK (amount > 0),
    paid_at      timestamptz NOT NULL,
    credited_at  timestamptz NOT NULL,
    confirmed_at timestamptz,                        -- a statement has shown it
    reversed_at  timestamptz,
    reversed_by  text,
    PRIMARY KEY (demand_id, evidence),
    CHECK ((reversed_at IS NULL) = (reversed_by IS NULL))
);
CREATE INDEX fee_credit_evidence ON fee_credit (evidence);

-- Σ lines = amount due, Σ waived = waived: at the end of the transaction, whichever side was written.
CREATE FUNCTION check_demand_lines() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    demand text := CASE TG_TABLE_NAME WHEN 'fee_demand' THEN to_jsonb(NEW) ->> 'id'
                   ELSE coalesce(to_jsonb(NEW), to_jsonb(OLD)) ->> 'demand_id' END;
    due bigint;
    lifted bigint;
    lines bigint;
    lines_lifted bigint;
BEGIN
    SELECT amount_due, waived INTO due, lifted FROM fee_demand WHERE id = demand;
    SELECT coalesce(sum(amount), 0), coalesce(sum(waived), 0) INTO lines, lines_lifted
    FROM fee_demand_line WHERE demand_id = demand;
    IF due <> lines OR lifted <> lines_lifted THEN
        RAISE EXCEPTION 'the lines of % add up to % (% waived), the demand says % (% waived)',
            demand, lines, lines_lifted, due, lifted USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER fee_demand_is_its_lines AFTER INSERT OR UPDATE OF amount_due, waived ON fee_demand
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_demand_lines();
CREATE CONSTRAINT TRIGGER fee_demand_line_is_in_its_sum AFTER INSERT OR UPDATE OR DELETE ON fee_demand_line
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_demand_lines();

-- When nothing held the dossier back any more. Until the fees were waited for, that was at once.
ALTER TABLE dossier ADD COLUMN released_at timestamptz;
UPDATE dossier SET released_at = received_at;
