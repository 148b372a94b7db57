-- Electronic receipts (biên lai điện tử): one for the fees of a kind of a demand that is paid. Numbers are given by the
-- database, without gaps, and begin with 1 every year; a receipt is never deleted, it becomes void. Amounts are đồng.

-- Since when receipts are issued, and on what; the last row holds. What was paid before the first has none.
CREATE TABLE receipt_policy (
    number   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    since    timestamptz NOT NULL,
    issue_on text NOT NULL CHECK (issue_on IN ('paid', 'notified'))
);
CREATE TRIGGER receipt_policy_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON receipt_policy
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The last number of a series in a year. Whoever takes the next one holds the row until the receipt is committed.
CREATE TABLE receipt_series (
    series text NOT NULL,                            -- "<template> <symbol>"
    year   smallint NOT NULL,
    last   integer NOT NULL CHECK (last BETWEEN 1 AND 99999999),  -- eight digits
    PRIMARY KEY (series, year)
);

CREATE TABLE receipt (
    id            text PRIMARY KEY CHECK (id ~ '^rc_'),
    series        text NOT NULL,
    year          smallint NOT NULL,
    number        integer NOT NULL,
    demand_id     text NOT NULL REFERENCES fee_demand (id),
    department    text NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('phi', 'le_phi')),
    amount        bigint NOT NULL CHECK (amount > 0),
    issued_on     date NOT NULL,                     -- in Vietnam
    issued_at     timestamptz NOT NULL,
    body          bytea NOT NULL,                    -- canonical JSON; names nobody
    signature     bytea NOT NULL,                    -- the Centre's seal over it
    leaf_id       text NOT NULL REFERENCES custody_leaf (id),
    replaces      text UNIQUE REFERENCES receipt (id),
    counterparty  text,                              -- the issuer that is told; none: it is issued here alone
    published_at  timestamptz,                       -- when the issuer said that it has it
    issuer_number integer,                           -- the number that the issuer gave it
    void_maker    text,                              -- of two persons the first
    void_reason   text,
    voided_at     timestamptz,
    voided_by     text,                              -- the second, or the hub itself when the money went away
    void_told_at  timestamptz,
    UNIQUE (series, year, number),
    FOREIGN KEY (series, year) REFERENCES receipt_series (series, year),
    CHECK (year = extract(year FROM issued_on)),
    CHECK ((published_at IS NULL) = (issuer_number IS NULL)),
    CHECK ((voided_at IS NULL) = (voided_by IS NULL)),
    CHECK (voided_at IS NULL OR void_reason IS NOT NULL),
    CHECK (voided_by IS NULL OR voided_by = 'hub' OR (void_maker IS NOT NULL AND void_maker <> voided_by)),
    CHECK (void_told_at IS NULL OR voided_at IS NOT NULL)
);
CREATE UNIQUE INDEX receipt_one_stands ON receipt (demand_id, kind) WHERE voided_at IS NULL;
CREATE INDEX receipt_day ON receipt (issued_on, series, number);

-- The next number of a series; the row stays locked until the transaction ends, so there is no gap and no twin.
CREATE FUNCTION next_receipt_number(of_series text, of_year smallint) RETURNS integer LANGUAGE sql AS $$
    INSERT INTO receipt_series (series, year, last) VALUES (of_series, of_year, 1)
    ON CONFLICT (series, year) DO UPDATE SET last = receipt_series.last + 1 RETURNING last
$$;

CREATE FUNCTION receipt_number_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.last <> (CASE TG_OP WHEN 'INSERT' THEN 1 ELSE OLD.last + 1 END)
       OR (TG_OP = 'UPDATE' AND (NEW.series, NEW.year) IS DISTINCT FROM (OLD.series, OLD.year)) THEN
        RAISE EXCEPTION 'receipts of % are numbered one by one', NEW.series USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER receipt_number_follows BEFORE INSERT OR UPDATE ON receipt_series
    FOR EACH ROW EXECUTE FUNCTION receipt_number_follows();
CREATE TRIGGER receipt_series_is_kept BEFORE DELETE OR TRUNCATE ON receipt_series
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A number that was taken is the number of a receipt when the transaction ends.
CREATE FUNCTION receipt_number_is_used() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM receipt WHERE (series, year, number) = (NEW.series, NEW.year, NEW.last)) THEN
        RAISE EXCEPTION 'number % of % is nobody''s', NEW.last, NEW.series USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER receipt_number_is_used AFTER INSERT OR UPDATE ON receipt_series
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION receipt_number_is_used();

CREATE FUNCTION receipt_takes_the_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.number <> (SELECT last FROM receipt_series WHERE (series, year) = (NEW.series, NEW.year)) THEN
        RAISE EXCEPTION 'receipts of % are numbered one by one', NEW.series USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER receipt_takes_the_number BEFORE INSERT ON receipt
    FOR EACH ROW EXECUTE FUNCTION receipt_takes_the_number();

-- What a receipt says stays; what was published or void stays so.
CREATE FUNCTION receipt_keeps_its_word() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.series, NEW.year, NEW.number, NEW.demand_id, NEW.department, NEW.kind, NEW.amount, NEW.issued_on,
        NEW.issued_at, NEW.body, NEW.signature, NEW.leaf_id, NEW.replaces, NEW.counterparty)
       IS DISTINCT FROM
       (OLD.id, OLD.series, OLD.year, OLD.number, OLD.demand_id, OLD.department, OLD.kind, OLD.amount, OLD.issued_on,
        OLD.issued_at, OLD.body, OLD.signature, OLD.leaf_id, OLD.replaces, OLD.counterparty)
       OR (OLD.published_at IS NOT NULL AND (NEW.published_at, NEW.issuer_number)
           IS DISTINCT FROM (OLD.published_at, OLD.issuer_number))
       OR (OLD.voided_at IS NOT NULL AND (NEW.voided_at, NEW.voided_by, NEW.void_maker, NEW.void_reason)
           IS DISTINCT FROM (OLD.voided_at, OLD.voided_by, OLD.void_maker, OLD.void_reason)) THEN
        RAISE EXCEPTION 'what a receipt says is never changed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER receipt_keeps_its_word BEFORE UPDATE ON receipt
    FOR EACH ROW EXECUTE FUNCTION receipt_keeps_its_word();
CREATE TRIGGER receipt_is_kept BEFORE DELETE OR TRUNCATE ON receipt
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What has to have a receipt, kind by kind; "since": from when on.
CREATE VIEW receipt_due AS
SELECT d.id AS demand_id, d.dossier_id, d.department, l.kind, sum(l.amount - l.waived)::bigint AS amount, paid.since
FROM fee_demand d
CROSS JOIN (SELECT (SELECT min(since) FROM receipt_policy) AS begun,
                   (SELECT issue_on FROM receipt_policy ORDER BY number DESC LIMIT 1) AS issue_on) AS policy
CROSS JOIN LATERAL (SELECT max(coalesce(c.confirmed_at, c.credited_at)) AS since FROM fee_credit c
                    WHERE c.demand_id = d.id AND c.reversed_at IS NULL) AS paid
JOIN fee_demand_line l ON l.demand_id = d.id
WHERE (d.status IN ('paid', 'settled') OR (d.status = 'paid_unconfirmed' AND policy.issue_on = 'notified'))
  AND paid.since >= policy.begun
GROUP BY d.id, d.dossier_id, d.department, l.kind, paid.since HAVING sum(l.amount - l.waived) > 0;
