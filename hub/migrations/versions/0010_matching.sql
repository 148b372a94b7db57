-- What belongs together, and why: the runs that looked, the evidence they read, and what they joined. Amounts are đồng.
-- What these tables point to is never deleted (its own tables see to that), so there are no foreign keys to it: a match
-- of a million lines would spend more time on those than on matching.

-- One look at a day of an account. It is written in the transaction that it is about: a run that failed is not here.
CREATE TABLE recon_run (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account      text NOT NULL,
    day          date NOT NULL,                      -- the booking date of its lines
    rule_version integer NOT NULL,                   -- of the passes
    text_version integer NOT NULL,                   -- of what reads the texts
    actor        text NOT NULL,
    state        text NOT NULL CHECK (state IN ('processing', 'completed')),
    started_at   timestamptz NOT NULL,
    finished_at  timestamptz,
    counters     jsonb NOT NULL DEFAULT '{}',        -- pass → how many it joined; case → how many it opened
    digest       bytea CHECK (length(digest) = 32),  -- of all that is joined of that day, without our own ids
    CHECK ((state = 'completed') = (digest IS NOT NULL AND finished_at IS NOT NULL))
);
CREATE UNIQUE INDEX recon_run_one_at_a_time ON recon_run (account) WHERE state = 'processing';
CREATE INDEX recon_run_day ON recon_run (account, day, id);

-- A reference that a line's text holds, once, by the surest reading of it.
CREATE TABLE match_clue (
    line_id bigint NOT NULL REFERENCES statement_line (id),
    value   text NOT NULL,                           -- the reference
    how     text NOT NULL CHECK (how IN ('va', 'strict', 'repaired', 'unprefixed', 'dossier', 'near')),
    shown   text NOT NULL,                           -- what stands there
    errors  smallint NOT NULL DEFAULT 0 CHECK (errors BETWEEN 0 AND 2),
    version integer NOT NULL,                        -- of what read it
    stands  boolean NOT NULL DEFAULT true,           -- false: the last reading did not find it any more
    PRIMARY KEY (line_id, value)
);
CREATE INDEX match_clue_value ON match_clue (value);

-- An account number that stands for one demand.
CREATE TABLE virtual_account (
    number    text PRIMARY KEY CHECK (number ~ '^[0-9A-Z]{6,34}$'),
    account   text NOT NULL,                         -- of ours, to which it leads
    demand_id text NOT NULL REFERENCES fee_demand (id),
    given_at  timestamptz NOT NULL DEFAULT now()
);

-- What a gateway says that one of its payouts is made of.
CREATE TABLE payout_report (
    provider   text NOT NULL,
    report     text NOT NULL,                        -- its name, which stands in the line's text
    account    text NOT NULL,
    day        date NOT NULL,                        -- of the settlement
    net        bigint NOT NULL CHECK (net > 0),      -- what it says that it pays
    brought_by text NOT NULL,
    brought_at timestamptz NOT NULL,
    PRIMARY KEY (provider, report)
);
CREATE TABLE payout_item (
    provider     text NOT NULL,
    report       text NOT NULL,
    provider_txn text NOT NULL,
    amount       bigint NOT NULL CHECK (amount > 0),
    charge       bigint NOT NULL CHECK (charge BETWEEN 0 AND amount),
    PRIMARY KEY (provider, provider_txn),            -- nothing is paid out twice
    FOREIGN KEY (provider, report) REFERENCES payout_report (provider, report)
);
CREATE INDEX payout_item_report ON payout_item (provider, report);

CREATE SEQUENCE match_group_id AS bigint;

-- What is taken to belong together. Confirmed by itself (class A and B) or by one (B) or two (C) persons; of class D
-- only that a line is a payment's is known. Never deleted: what is no longer so is revoked, rejected or superseded.
CREATE TABLE match_group (
    id            bigint PRIMARY KEY DEFAULT nextval('match_group_id'),
    run_id        bigint NOT NULL,
    pass          text NOT NULL CHECK (pass IN
                  ('P0', 'P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8', 'P9', 'P10', 'P11')),
    class         text NOT NULL CHECK (class IN ('A', 'B', 'C', 'D')),
    rule_version  integer NOT NULL,
    state         text NOT NULL CHECK (state IN ('proposed', 'confirmed', 'revoked', 'rejected', 'superseded')),
    evidence      jsonb NOT NULL,                    -- what was seen, without anybody's words
    maker         text,
    checker       text,
    reason        text,
    revoke_maker  text,
    CHECK (checker <> maker),
    CHECK (class <> 'C' OR state <> 'confirmed' OR (maker IS NOT NULL AND checker IS NOT NULL))
);
CREATE INDEX match_group_run ON match_group (run_id);
CREATE INDEX match_group_open ON match_group (id) WHERE state = 'proposed';

-- The members of a group. The first leg names the line and its payment; further legs name further demands of the same
-- money, or further payments of one payout. "amount" is what of the money counts for the demand.
CREATE TABLE match_leg (
    group_id   bigint NOT NULL REFERENCES match_group (id),
    number     smallint NOT NULL CHECK (number > 0),
    line_id    bigint,
    payment_id text,
    demand_id  text,
    amount     bigint NOT NULL CHECK (amount >= 0),
    credited   boolean NOT NULL,                     -- the demand has it already
    confirmed  boolean NOT NULL,                     -- as its group
    PRIMARY KEY (group_id, number),
    CHECK (num_nonnulls(line_id, payment_id, demand_id) > 0),
    CHECK (amount = 0 OR demand_id IS NOT NULL)
);
-- One-to-one is not a rule that somebody keeps: a line, and a payment, belong to one confirmed group.
CREATE UNIQUE INDEX match_leg_line ON match_leg (line_id) WHERE confirmed AND line_id IS NOT NULL;
CREATE UNIQUE INDEX match_leg_payment ON match_leg (payment_id) WHERE confirmed AND payment_id IS NOT NULL;
CREATE INDEX match_leg_demand ON match_leg (demand_id) WHERE demand_id IS NOT NULL;
CREATE INDEX match_leg_proposed ON match_leg (line_id) WHERE NOT confirmed;

-- A group moves as its lifecycle has it, and its legs with it.
CREATE FUNCTION move_group() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN (
        ('proposed', 'confirmed'), ('proposed', 'rejected'), ('proposed', 'superseded'),
        ('confirmed', 'revoked'), ('confirmed', 'superseded')) THEN
        RAISE EXCEPTION 'a match that is % is not %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.state <> NEW.state THEN
        UPDATE match_leg SET confirmed = (NEW.state = 'confirmed') WHERE group_id = NEW.id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER match_group_moves BEFORE UPDATE OF state ON match_group FOR EACH ROW EXECUTE FUNCTION move_group();
CREATE TRIGGER match_group_is_not_deleted BEFORE DELETE OR TRUNCATE ON match_group
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER match_leg_is_not_deleted BEFORE DELETE OR TRUNCATE ON match_leg
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Dossier codes as they stand in a text whose separators were taken out.
CREATE INDEX dossier_squeezed ON dossier (translate(code, '.-', ''));
