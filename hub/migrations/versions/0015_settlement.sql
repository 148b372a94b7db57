-- Days and months that are closed, and what departments are handed.

-- ── Section 1: closes ───────────────────────────────────────────────────────────────────────────────────────────────
-- What was found after its day had been closed stands on a later day, and says on which it belongs. Part of the digest.
ALTER TABLE journal_entry ADD COLUMN original_date date CHECK (original_date < business_date);

-- What one person has proposed: to close, with the digest of what it came to then, or to open again, and why. Another
-- agrees to exactly that; if it comes to something else by now, the proposal is overtaken by a new one.
CREATE TABLE close_proposal (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    verb        text NOT NULL CHECK (verb IN ('close', 'reopen')),
    account     text NOT NULL,                       -- of the bank; 'book': a month of all of them
    day         date NOT NULL,                       -- of a month, its first
    digest      bytea NOT NULL CHECK (length(digest) = 32),  -- of "totals"; to open again: of what was closed
    totals      jsonb NOT NULL,
    maker       text NOT NULL,
    reason      text,
    proposed_at timestamptz NOT NULL,
    outcome     text CHECK (outcome IN ('agreed', 'overtaken')),
    checker     text CHECK (checker <> maker),
    ended_at    timestamptz,
    CHECK ((ended_at IS NULL) = (outcome IS NULL)),
    CHECK ((outcome IS NOT DISTINCT FROM 'agreed') = (checker IS NOT NULL)),
    CHECK (verb = 'close' OR reason IS NOT NULL),
    CHECK (account <> 'book' OR extract(day FROM day) = 1)
);
CREATE UNIQUE INDEX close_proposal_once ON close_proposal (verb, account, day) WHERE ended_at IS NULL;

-- Two persons close, and two open again; the row of before stays, with its digest.
ALTER TABLE day_close
    ADD COLUMN totals         jsonb NOT NULL DEFAULT '{}',  -- what "digest" is of
    ADD COLUMN maker          text NOT NULL,
    ADD COLUMN checker        text NOT NULL CHECK (checker <> maker),
    ADD COLUMN reopen_maker   text,
    ADD COLUMN reopen_checker text CHECK (reopen_checker <> reopen_maker),
    ADD COLUMN reopen_reason  text,
    ADD CHECK (num_nulls(reopened_at, reopen_maker, reopen_checker, reopen_reason) IN (0, 4));

CREATE TABLE month_close (
    month          date NOT NULL CHECK (extract(day FROM month) = 1),
    closed_at      timestamptz NOT NULL DEFAULT now(),
    digest         bytea NOT NULL CHECK (length(digest) = 32),
    totals         jsonb NOT NULL,
    maker          text NOT NULL,
    checker        text NOT NULL CHECK (checker <> maker),
    reopened_at    timestamptz CHECK (reopened_at >= closed_at),
    reopen_maker   text,
    reopen_checker text CHECK (reopen_checker <> reopen_maker),
    reopen_reason  text,
    PRIMARY KEY (month, closed_at),
    CHECK (num_nulls(reopened_at, reopen_maker, reopen_checker, reopen_reason) IN (0, 4))
);
CREATE UNIQUE INDEX month_close_once ON month_close (month) WHERE reopened_at IS NULL;

CREATE FUNCTION month_is_closed(on_day date) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM month_close WHERE month = date_trunc('month', on_day)::date AND reopened_at IS NULL)
$$;

CREATE OR REPLACE FUNCTION book_is_closed(for_account text, on_day date) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM day_close WHERE day = on_day AND reopened_at IS NULL
                   AND (for_account IS NULL OR account IN (for_account, 'book')))
        OR EXISTS (SELECT 1 FROM month_close
                   WHERE month = date_trunc('month', on_day)::date AND reopened_at IS NULL)
$$;

-- What the Centre keeps of a month is worked out from its closed days, and stands on the last of them: of such an entry
-- ("retained…", on no bank account) only the month must be open.
CREATE OR REPLACE FUNCTION number_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7310002);
    IF month_is_closed(NEW.business_date) OR (book_is_closed(NEW.bank_account, NEW.business_date)
            AND (NEW.bank_account IS NOT NULL OR NEW.kind NOT LIKE 'retained%')) THEN
        RAISE EXCEPTION 'the book of % is closed', NEW.business_date USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    NEW.seq := COALESCE((SELECT max(seq) FROM journal_entry), 0) + 1;
    RETURN NEW;
END $$;

-- What was closed stays as it was closed; what may be written later, once, is by whom, when and why it was opened again.
-- No day of a closed month is.
CREATE OR REPLACE FUNCTION reopen_once() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    reopening constant text[] := '{reopened_at,reopen_maker,reopen_checker,reopen_reason}';
BEGIN
    IF OLD.reopened_at IS NOT NULL OR NEW.reopened_at IS NULL
       OR to_jsonb(OLD) - reopening <> to_jsonb(NEW) - reopening THEN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_TABLE_NAME = 'day_close' AND month_is_closed((to_jsonb(OLD) ->> 'day')::date) THEN
        RAISE EXCEPTION 'the month of this day is closed' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER month_close_is_reopened_once BEFORE UPDATE ON month_close FOR EACH ROW EXECUTE FUNCTION reopen_once();
CREATE TRIGGER month_close_is_append_only BEFORE DELETE OR TRUNCATE ON month_close
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER month_close_is_of_a_proven_book BEFORE INSERT ON month_close
    FOR EACH ROW EXECUTE FUNCTION close_a_proven_day();

-- A proposal is ended once.
CREATE FUNCTION end_proposal_once() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ending constant text[] := '{outcome,checker,ended_at}';
BEGIN
    IF OLD.ended_at IS NOT NULL OR to_jsonb(OLD) - ending <> to_jsonb(NEW) - ending THEN
        RAISE EXCEPTION 'close_proposal is append-only' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER close_proposal_is_ended_once BEFORE UPDATE ON close_proposal
    FOR EACH ROW EXECUTE FUNCTION end_proposal_once();
CREATE TRIGGER close_proposal_is_append_only BEFORE DELETE OR TRUNCATE ON close_proposal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ── Section 2: settlements ──────────────────────────────────────────────────────────────────────────────────────────

-- A department's month. Its table is canonical JSON under the Centre's seal; what it says is never changed. đồng.
CREATE TABLE settlement (
    id          text PRIMARY KEY,
    department  text NOT NULL,
    month       date NOT NULL CHECK (extract(day FROM month) = 1),
    state       text NOT NULL CHECK (state IN ('computed', 'notified', 'confirmed', 'disputed', 'ordered',
                'transferred', 'receipted', 'closed', 'withdrawn')),
    opening     bigint NOT NULL,                     -- carried over from earlier tables
    receipts    bigint NOT NULL,
    refunds     bigint NOT NULL,
    adjustments bigint NOT NULL,
    retained    bigint NOT NULL,
    net         bigint NOT NULL,
    disputed    bigint NOT NULL DEFAULT 0,           -- of net, what the department does not accept
    body        bytea NOT NULL,
    sha256      bytea NOT NULL UNIQUE CHECK (sha256 = sha256(body)),
    signature   bytea NOT NULL,                      -- detached CAdES-B, by the Centre's seal
    leaf_id     text NOT NULL UNIQUE REFERENCES custody_leaf (id),
    computed_at timestamptz NOT NULL,
    notified_at timestamptz,                         -- the department said that it has it
    answer_id   text,                                -- the department's, and
    answer      bytea,                               -- its bytes
    answered_at timestamptz,
    order_id    text UNIQUE,                         -- the payment order that carries the money
    transferred_at timestamptz,                      -- our own statement showed it
    CHECK (net = opening + receipts + refunds + adjustments - retained),
    CHECK ((answer IS NULL) = (answer_id IS NULL) AND (answer IS NULL) = (answered_at IS NULL)),
    CHECK (state NOT IN ('confirmed', 'disputed') OR answer IS NOT NULL),
    CHECK (state NOT IN ('ordered', 'transferred', 'receipted') OR order_id IS NOT NULL),
    CHECK (state NOT IN ('transferred', 'receipted') OR transferred_at IS NOT NULL)
);
-- A month that was opened again withdraws its tables and makes others.
CREATE UNIQUE INDEX settlement_once ON settlement (department, month) WHERE state <> 'withdrawn';
CREATE INDEX settlement_month ON settlement (month);

CREATE FUNCTION settlement_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.department, NEW.month, NEW.opening, NEW.receipts, NEW.refunds, NEW.adjustments, NEW.retained,
        NEW.net, NEW.body, NEW.sha256, NEW.signature, NEW.leaf_id, NEW.computed_at)
       IS DISTINCT FROM
       (OLD.id, OLD.department, OLD.month, OLD.opening, OLD.receipts, OLD.refunds, OLD.adjustments, OLD.retained,
        OLD.net, OLD.body, OLD.sha256, OLD.signature, OLD.leaf_id, OLD.computed_at)
       OR (OLD.answer IS NOT NULL AND NEW.answer IS DISTINCT FROM OLD.answer) THEN
        RAISE EXCEPTION 'a table that was signed stays as it is' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.state = 'withdrawn' AND OLD.state <> 'computed' THEN
        RAISE EXCEPTION 'a table that was handed over is not withdrawn'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER settlement_is_what_was_signed BEFORE UPDATE ON settlement
    FOR EACH ROW EXECUTE FUNCTION settlement_stays();
CREATE TRIGGER settlement_is_kept BEFORE DELETE OR TRUNCATE ON settlement
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The sums of a table by fee.
CREATE TABLE settlement_fee (
    settlement_id text NOT NULL REFERENCES settlement (id),
    fee_code      text NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('phi', 'le_phi')),
    carried       bigint NOT NULL,
    receipts      bigint NOT NULL,
    refunds       bigint NOT NULL,
    adjustments   bigint NOT NULL,
    retained      bigint NOT NULL CHECK (kind <> 'le_phi' OR retained = 0),
    net           bigint NOT NULL,
    PRIMARY KEY (settlement_id, fee_code),
    CHECK (net = carried + receipts + refunds + adjustments - retained)
);
CREATE TRIGGER settlement_fee_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON settlement_fee
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What an earlier table left behind: a line that was disputed, or (number NULL) the rest of a fee where there was
-- nothing to transfer. The next table takes it.
CREATE TABLE settlement_carry (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    settlement_id text NOT NULL REFERENCES settlement (id),
    number        integer,
    department    text NOT NULL,
    fee_code      text NOT NULL,
    amount        bigint NOT NULL CHECK (amount <> 0),
    entry_seq     bigint NOT NULL REFERENCES journal_entry (seq),
    demand_id     text,
    taken_by      text REFERENCES settlement (id),
    UNIQUE NULLS NOT DISTINCT (settlement_id, number, fee_code)
);
CREATE INDEX settlement_carry_waiting ON settlement_carry (department) WHERE taken_by IS NULL;

-- The lines of a table, by the numbers under which they are confirmed or disputed. Each is one line of 331 in the book,
-- or what an earlier table left behind.
CREATE TABLE settlement_item (
    settlement_id text NOT NULL,
    number        integer NOT NULL CHECK (number > 0),
    kind          text NOT NULL CHECK (kind IN ('receipt', 'refund', 'adjustment', 'carried')),
    day           date NOT NULL,
    fee_code      text NOT NULL,
    amount        bigint NOT NULL CHECK (amount <> 0),
    retention_bp  integer NOT NULL CHECK (retention_bp BETWEEN 0 AND 10000),
    entry_seq     bigint NOT NULL,
    line_number   smallint,
    carry_id      bigint REFERENCES settlement_carry (id),
    demand_id     text,
    live          boolean NOT NULL DEFAULT true,     -- false: its table was withdrawn
    disputed      boolean NOT NULL DEFAULT false,
    PRIMARY KEY (settlement_id, number),
    CHECK ((kind = 'carried') = (line_number IS NULL)),
    CHECK ((kind = 'carried') = (carry_id IS NOT NULL))
);
-- Nothing is transferred twice.
CREATE UNIQUE INDEX settlement_item_once ON settlement_item (entry_seq, line_number)
    WHERE live AND line_number IS NOT NULL;
CREATE UNIQUE INDEX settlement_item_carried_once ON settlement_item (carry_id) WHERE live AND carry_id IS NOT NULL;
CREATE INDEX settlement_item_demand ON settlement_item (demand_id) WHERE demand_id IS NOT NULL;
-- More than foreign keys would say, and once for all lines that are added: each is that line of 331, of its department,
-- or what was left behind of it.
CREATE FUNCTION settlement_item_is_booked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM added i LEFT JOIN settlement s ON s.id = i.settlement_id
        LEFT JOIN journal_line l ON l.entry_seq = i.entry_seq AND l.number = i.line_number
        LEFT JOIN settlement_carry c ON c.id = i.carry_id
        WHERE CASE i.kind WHEN 'carried'
              THEN (c.department, c.fee_code, c.amount, c.entry_seq)
                   IS DISTINCT FROM (s.department, i.fee_code, i.amount, i.entry_seq)
              ELSE (l.account, l.department, l.fee_code, l.cr - l.dr)
                   IS DISTINCT FROM ('331', s.department, i.fee_code, i.amount) END
    ) THEN
        RAISE EXCEPTION 'a line of a table is not what the book says' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER settlement_item_is_booked AFTER INSERT ON settlement_item REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION settlement_item_is_booked();
CREATE TRIGGER settlement_item_is_kept BEFORE DELETE OR TRUNCATE ON settlement_item
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
