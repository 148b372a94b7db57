-- The Centre's book and open cases: double entry in whole đồng. An entry is numbered by the database, without gaps, and
-- is never changed; what was wrong is put right by a further entry.

-- A day of an account (of the bank, or 'book') that is closed. Reopening says when; closing it again is another row.
CREATE TABLE day_close (
    account     text NOT NULL,
    day         date NOT NULL,
    closed_at   timestamptz NOT NULL DEFAULT now(),
    reopened_at timestamptz CHECK (reopened_at >= closed_at),
    digest      bytea NOT NULL CHECK (length(digest) = 32),  -- of what was closed
    PRIMARY KEY (account, day, closed_at)
);
CREATE UNIQUE INDEX day_close_once ON day_close (account, day) WHERE reopened_at IS NULL;

CREATE TABLE journal_entry (
    seq           bigint PRIMARY KEY CHECK (seq > 0),  -- gapless
    business_date date NOT NULL,                     -- in Vietnam; that of the bank where there is a statement line
    kind          text NOT NULL,
    source_type   text NOT NULL,                     -- what it is about, with source_id: one posting of a kind for each
    source_id     text NOT NULL,
    bank_account  text,                              -- whose 111 it moves, and whose closed days it must not touch
    lines         smallint NOT NULL CHECK (lines >= 2),
    amount        bigint NOT NULL CHECK (amount > 0),  -- đồng, of either side
    digest        bytea NOT NULL CHECK (length(digest) = 32),  -- SHA-256 over its content, without its number
    posted_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (source_type, source_id, kind)
);
CREATE INDEX journal_entry_day ON journal_entry (business_date, seq);

-- Accounts: docs/decisions/0017. "item" is the open item: the payment, statement line or refund that
-- stands behind a sum which has to go to zero.
CREATE TABLE journal_line (
    entry_seq  bigint NOT NULL REFERENCES journal_entry (seq),
    number     smallint NOT NULL CHECK (number > 0),
    account    text NOT NULL CHECK (account IN
               ('111', '112', '113', '331', '338', '339', '341', '411', '511', '642')),
    department text,
    fee_code   text,
    demand_id  text,
    item       text,
    dr         bigint NOT NULL CHECK (dr >= 0),
    cr         bigint NOT NULL CHECK (cr >= 0),
    PRIMARY KEY (entry_seq, number),
    CHECK ((dr > 0) <> (cr > 0)),
    CHECK (account <> '331' OR (department IS NOT NULL AND fee_code IS NOT NULL)),
    CHECK (account <> '511' OR department IS NOT NULL),
    CHECK (account NOT IN ('112', '113', '338', '339', '341') OR item IS NOT NULL)
);
CREATE INDEX journal_line_account ON journal_line (account, entry_seq);
CREATE INDEX journal_line_demand ON journal_line (demand_id) WHERE demand_id IS NOT NULL;
CREATE INDEX journal_line_item ON journal_line (item, account) WHERE item IS NOT NULL;
CREATE INDEX journal_line_payable ON journal_line (department, fee_code) WHERE account = '331';

-- Later steps put the month's close into this function.
CREATE FUNCTION book_is_closed(for_account text, on_day date) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM day_close WHERE day = on_day AND reopened_at IS NULL
                   AND (for_account IS NULL OR account IN (for_account, 'book')))
$$;

-- Numbers are given one transaction after the other, and the lock goes with the commit: no gap, no two of one number.
-- A close takes the same lock (below), so no entry slips in beside it.
CREATE FUNCTION number_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7310002);
    IF book_is_closed(NEW.bank_account, NEW.business_date) THEN
        RAISE EXCEPTION 'the book of % is closed', NEW.business_date USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    NEW.seq := COALESCE((SELECT max(seq) FROM journal_entry), 0) + 1;
    RETURN NEW;
END $$;
CREATE TRIGGER journal_entry_is_numbered BEFORE INSERT ON journal_entry
    FOR EACH ROW EXECUTE FUNCTION number_entry();

-- At the commit an entry has as many lines as it says, and both sides are what it says: nothing is added to it later.
CREATE FUNCTION entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked bigint := COALESCE(to_jsonb(NEW) ->> 'seq', to_jsonb(NEW) ->> 'entry_seq')::bigint;
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM journal_entry e JOIN journal_line l ON l.entry_seq = e.seq WHERE e.seq = checked
        GROUP BY e.seq HAVING count(*) = e.lines AND sum(l.dr) = e.amount AND sum(l.cr) = e.amount
    ) THEN
        RAISE EXCEPTION 'entry % does not balance', checked USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER journal_entry_balances AFTER INSERT ON journal_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION entry_balances();
CREATE CONSTRAINT TRIGGER journal_line_balances AFTER INSERT ON journal_line
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION entry_balances();

CREATE TRIGGER journal_entry_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_line_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_line
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Each covers the entries after the one before it. Its signed bytes are a leaf of the custody log, so that the
-- departments, which keep that log's checkpoints, are witnesses of the book.
CREATE TABLE ledger_checkpoint (
    number    bigint PRIMARY KEY CHECK (number > 0),
    day       date NOT NULL,                         -- in Vietnam, on which it was made
    first_seq bigint NOT NULL UNIQUE,
    last_seq  bigint NOT NULL UNIQUE REFERENCES journal_entry (seq),
    root      bytea NOT NULL CHECK (length(root) = 32),  -- RFC 9162, over the entries' digests
    body      bytea NOT NULL,                        -- canonical JSON; what is signed
    signature bytea NOT NULL,                        -- by the log's key
    leaf_id   text NOT NULL UNIQUE REFERENCES custody_leaf (id),
    made_at   timestamptz NOT NULL DEFAULT now(),
    CHECK (first_seq <= last_seq)
);
CREATE TRIGGER ledger_checkpoint_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Work for the accountants: one open case of a code for an object.
CREATE TABLE exception_case (
    id          text PRIMARY KEY,
    code        text NOT NULL,
    severity    smallint NOT NULL CHECK (severity BETWEEN 1 AND 4),  -- 1: the worst
    at_risk     bigint NOT NULL CHECK (at_risk >= 0),  -- đồng
    object_type text NOT NULL,
    object_id   text NOT NULL,
    state       text NOT NULL CHECK (state IN ('open', 'assigned', 'proposed', 'approved', 'resolved')),
    due_on      date NOT NULL,
    facts       jsonb NOT NULL,
    resolution  text,
    maker       text,
    checker     text CHECK (checker <> maker)
);
CREATE UNIQUE INDEX exception_case_once ON exception_case (code, object_type, object_id) WHERE state <> 'resolved';
CREATE INDEX exception_case_open ON exception_case (due_on, id) WHERE state <> 'resolved';
CREATE INDEX exception_case_object ON exception_case (object_type, object_id);

-- When the book was proven, and how it stood. Append-only.
CREATE TABLE proof_run (
    number   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    day      date NOT NULL,                          -- in Vietnam
    at       timestamptz NOT NULL DEFAULT now(),
    last_seq bigint NOT NULL,                        -- of the book, as far as it was proven
    digest   bytea NOT NULL CHECK (length(digest) = 32),  -- of all that it came to
    red      text[] NOT NULL                         -- the invariants that did not hold; empty: green
);
CREATE INDEX proof_run_day ON proof_run (day);
CREATE TRIGGER proof_run_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON proof_run
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- While the proof is red (L01–L04) nothing is closed.
CREATE FUNCTION close_a_proven_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7310002);
    IF EXISTS (SELECT 1 FROM exception_case WHERE code IN ('L01', 'L02', 'L03', 'L04') AND state <> 'resolved') THEN
        RAISE EXCEPTION 'the proof of the book is red' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER day_close_is_of_a_proven_book BEFORE INSERT ON day_close
    FOR EACH ROW EXECUTE FUNCTION close_a_proven_day();

-- What was closed stays as it was closed; the one thing that may be written later is when it was opened again.
CREATE FUNCTION reopen_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.reopened_at IS NULL AND NEW.reopened_at IS NOT NULL
       AND (OLD.account, OLD.day, OLD.closed_at, OLD.digest) = (NEW.account, NEW.day, NEW.closed_at, NEW.digest) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'day_close is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER day_close_is_reopened_once BEFORE UPDATE ON day_close FOR EACH ROW EXECUTE FUNCTION reopen_once();
CREATE TRIGGER day_close_is_append_only BEFORE DELETE OR TRUNCATE ON day_close
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
