-- What banks' files say. A file is accepted whole or not at all: its statements and lines are here only if it is.
-- Amounts are đồng, credits positive.

-- The bytes as they came, and what became of them. The same bytes are one file, whatever they are called.
CREATE TABLE statement_file (
    id          text PRIMARY KEY,
    bank        text NOT NULL,                       -- its code in the catalogue
    name        text NOT NULL,
    sha256      bytea NOT NULL UNIQUE CHECK (length(sha256) = 32),
    body        bytea NOT NULL,
    format      text CHECK (format IN ('camt', 'mt940', 'csv', 'xlsx')),
    state       text NOT NULL CHECK (state IN
                ('balanced', 'accepted', 'quarantined', 'accepted_with_approval', 'rejected', 'superseded')),
    brought_by  text NOT NULL,                       -- a person, or the bank whose service it was fetched from
    received_at timestamptz NOT NULL,
    summary     jsonb NOT NULL,                      -- per statement: account, days, the three numbers, lines
    findings    jsonb NOT NULL,                      -- why it is not accepted, or what two persons have accepted
    proposal    text CHECK (proposal IN ('approve', 'reject')),
    maker       text,
    reason      text,
    checker     text CHECK (checker <> maker),
    settled_at  timestamptz,
    CHECK ((proposal IS NULL) = (maker IS NULL) AND (maker IS NULL) = (reason IS NULL)),
    CHECK (state NOT IN ('accepted_with_approval', 'rejected') OR checker IS NOT NULL),
    CHECK ((settled_at IS NULL) = (state IN ('balanced', 'quarantined')))
);
CREATE INDEX statement_file_waiting ON statement_file (bank, received_at) WHERE settled_at IS NULL;

CREATE TABLE statement (
    id            text PRIMARY KEY,
    file_id       text NOT NULL REFERENCES statement_file (id),
    bank          text NOT NULL,
    account       text NOT NULL,                     -- as the catalogue has it
    kind          text NOT NULL CHECK (kind IN ('statement', 'interim', 'notice')),
    bank_id       text NOT NULL,                     -- the bank's own name for it; may come again next year
    sequence      bigint,
    from_date     date NOT NULL,
    to_date       date NOT NULL CHECK (to_date >= from_date),
    opening       bigint,
    closing       bigint,
    entries       integer NOT NULL CHECK (entries >= 0),
    total         bigint NOT NULL,                   -- of its booked entries
    digest        bytea NOT NULL CHECK (length(digest) = 32),  -- of all it says, however it is written
    chain         bigint,                            -- its place among the account's statements, if it goes on from one
    broken        boolean NOT NULL DEFAULT false,    -- two persons have accepted that it does not go on from the last
    superseded_by text REFERENCES statement (id) DEFERRABLE INITIALLY DEFERRED,
    accepted_at   timestamptz NOT NULL,
    CHECK (kind <> 'statement' OR opening + total = closing),
    CHECK (kind <> 'statement' OR (opening IS NOT NULL AND closing IS NOT NULL)),
    CHECK (chain IS NULL OR kind = 'statement'),
    UNIQUE (account, chain)
);
CREATE UNIQUE INDEX statement_once ON statement (account, bank_id, from_date)
    WHERE kind = 'statement' AND superseded_by IS NULL;
CREATE INDEX statement_file_of ON statement (file_id);
CREATE INDEX statement_digest ON statement (account, digest);

-- One movement. "line_key" is the bank's own reference where it has proved to be unique on the account, else a digest
-- of what the line says and of its ordinal among identical lines of that day: a line that is told again is the same
-- line, and two honest identical ones stay two.
CREATE TABLE statement_line (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    statement_id text NOT NULL REFERENCES statement (id),  -- that booked it, or first told of it
    account      text NOT NULL,
    line_key     text NOT NULL,
    content      bytea NOT NULL CHECK (length(content) = 32),  -- what the key is made of, without the ordinal
    entry        integer NOT NULL,                   -- its entry in the statement: several lines may be one booking
    booking_date date NOT NULL,
    value_date   date NOT NULL,
    amount       bigint NOT NULL,
    status       text NOT NULL CHECK (status IN ('BOOK', 'PDNG')),
    bank_ref     text,
    e2e          text,
    text         text NOT NULL,                      -- as the bank wrote it, line breaks and all
    text_norm    text NOT NULL,                      -- the copy that evidence is looked for in (hub.fees.matching)
    text_version integer NOT NULL,                   -- of what made that copy
    reversal     boolean NOT NULL,
    allocated    bigint NOT NULL DEFAULT 0 CHECK (allocated BETWEEN 0 AND abs(amount)),
    state        text NOT NULL CHECK (state IN
                 ('pending', 'new', 'matched', 'in_case', 'not_fee', 'vanished', 'reversed')),
    UNIQUE (account, line_key),
    CHECK ((status = 'PDNG') = (state = 'pending') OR state = 'vanished')
);
CREATE INDEX statement_line_day ON statement_line (account, booking_date);
CREATE INDEX statement_line_content ON statement_line (account, content);
CREATE INDEX statement_line_ref ON statement_line (account, bank_ref) WHERE bank_ref IS NOT NULL;
CREATE INDEX statement_line_open ON statement_line (account, booking_date, line_key) WHERE state = 'new';
CREATE INDEX statement_line_statement ON statement_line (statement_id);
CREATE INDEX statement_line_pending ON statement_line (account, amount) WHERE status = 'PDNG';

-- A booked movement stays what it was; a pending one becomes booked once. Nothing is deleted.
CREATE FUNCTION keep_booked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'BOOK' AND (OLD.account, OLD.line_key, OLD.booking_date, OLD.value_date, OLD.amount, OLD.text,
            OLD.reversal, OLD.status) IS DISTINCT FROM (NEW.account, NEW.line_key, NEW.booking_date, NEW.value_date,
            NEW.amount, NEW.text, NEW.reversal, NEW.status) THEN
        RAISE EXCEPTION 'a booked line is never changed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER statement_line_keeps_what_was_booked BEFORE UPDATE ON statement_line
    FOR EACH ROW EXECUTE FUNCTION keep_booked();
CREATE TRIGGER statement_line_is_not_deleted BEFORE DELETE OR TRUNCATE ON statement_line
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER statement_is_not_deleted BEFORE DELETE OR TRUNCATE ON statement
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER statement_file_is_not_deleted BEFORE DELETE OR TRUNCATE ON statement_file
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
