-- Counterparties: what the claim has to know about each; a row a counterparty, made from the catalogue at the start.
CREATE TABLE counterparty (
    code            text PRIMARY KEY,
    paused_at       timestamptz,
    paused_by       text,
    pause_reason    text,
    failures        integer NOT NULL DEFAULT 0,      -- transport failures in a row
    open_until      timestamptz,                     -- the breaker: quiet until then, then one probe
    last_success_at timestamptz,
    turned_away     boolean NOT NULL DEFAULT false,  -- whether somebody waits for a place: whoever settles looks for them
    cursor          text NOT NULL DEFAULT '',        -- where the poller stands in its feed
    polled_at       timestamptz
);

-- The front door. The bytes as received; nothing here is ever changed but the message's own fate.
CREATE TABLE inbox (
    id           text PRIMARY KEY,
    source       text NOT NULL,
    kind         text NOT NULL,
    seq          bigint GENERATED ALWAYS AS IDENTITY,
    external_id  text NOT NULL,
    lane         text NOT NULL DEFAULT '',           -- of one source, what must be handled in its order: the dossier
    fingerprint  bytea NOT NULL CHECK (length(fingerprint) = 32),
    media_type   text NOT NULL,
    body         bytea NOT NULL,
    received_at  timestamptz NOT NULL DEFAULT now(),
    due_at       timestamptz NOT NULL DEFAULT now(),
    nudged_at    timestamptz,
    attempts     integer NOT NULL DEFAULT 0,         -- also the fence of the claim that is under way
    tries        integer NOT NULL DEFAULT 0,         -- attempts since it came or was revived; the pauses count these
    state        text NOT NULL DEFAULT 'received' CHECK (state IN ('received', 'waiting', 'handled', 'dead')),
    error_code   text,
    error_detail text,
    settled_at   timestamptz,
    UNIQUE (source, external_id),
    CHECK ((settled_at IS NOT NULL) = (state = 'handled'))
);
CREATE INDEX inbox_due ON inbox (due_at) WHERE state IN ('received', 'waiting');
CREATE INDEX inbox_lane ON inbox (source, lane, seq) WHERE lane <> '' AND state IN ('received', 'waiting');
CREATE INDEX inbox_dead ON inbox (received_at) WHERE state = 'dead';

-- A key seen in January still answers in December: narrow rows, no expiry.
CREATE TABLE idempotency (
    source      text NOT NULL,
    key         text NOT NULL,
    fingerprint bytea NOT NULL,
    message_id  text NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, key)
);

-- The back door: one row a transfer, in the order in which they were put.
CREATE TABLE outbox (
    id           text PRIMARY KEY,
    seq          bigint GENERATED ALWAYS AS IDENTITY,
    kind         text NOT NULL,
    counterparty text NOT NULL REFERENCES counterparty (code),
    lane         text NOT NULL,                      -- within it the order is kept: the dossier
    key          text NOT NULL,                      -- what the counterparty may recognise a repetition by
    subject      text NOT NULL,                      -- the submission it is about
    body         bytea NOT NULL,
    deadline     timestamptz,                        -- the legal one; the drain is in this order
    created_at   timestamptz NOT NULL DEFAULT now(),
    due_at       timestamptz NOT NULL DEFAULT now(), -- when to try next; while sending: the end of the lease
    nudged_at    timestamptz,
    turned_away  boolean NOT NULL DEFAULT false,     -- its nudge came when the counterparty had no place for it
    attempts     integer NOT NULL DEFAULT 0,         -- also the fence of the claim that is under way
    tries        integer NOT NULL DEFAULT 0,         -- attempts since it was put or revived; the pauses count these
    state        text NOT NULL DEFAULT 'queued' CHECK (state IN
                 ('queued', 'sending', 'retrying', 'unknown', 'delivered', 'refused', 'stuck', 'parked', 'manual', 'cancelled')),
    error_code   text,
    error_detail text,
    reason       text,                               -- why a person parked, cancelled or settled it
    review_at    timestamptz,
    reply        jsonb,
    settled_at   timestamptz,
    UNIQUE (kind, counterparty, key),
    CHECK ((settled_at IS NOT NULL) = (state IN ('delivered', 'refused', 'manual', 'cancelled')))
);
CREATE INDEX outbox_lane ON outbox (counterparty, lane, seq) WHERE settled_at IS NULL;
CREATE INDEX outbox_due ON outbox (counterparty, due_at) WHERE state IN ('queued', 'retrying', 'unknown');
-- Apart from the waiting ones: counting what is under way must not grow with what waits.
CREATE INDEX outbox_sending ON outbox (counterparty, due_at) WHERE state = 'sending';
CREATE INDEX outbox_turned_away ON outbox (counterparty, deadline, seq) WHERE turned_away;
CREATE INDEX outbox_subject ON outbox (subject);

-- Written before bytes leave: an attempt without an end past its lease is an unknown outcome.
CREATE TABLE attempt (
    id          text PRIMARY KEY,
    transfer_id text NOT NULL REFERENCES outbox (id),
    number      integer NOT NULL,
    asked_first boolean NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    outcome     text CHECK (outcome IN ('ok', 'rejected_business', 'failed_transport', 'timeout_unknown', 'contract_broken')),
    code        text,
    detail      text,
    UNIQUE (transfer_id, number)
);

-- Redacted evidence of what was said, in months that are dropped whole.
CREATE TABLE exchange (
    id           text NOT NULL,
    at           timestamptz NOT NULL,
    attempt_id   text,
    counterparty text NOT NULL,
    record       jsonb NOT NULL,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE TABLE exchange_other PARTITION OF exchange DEFAULT;
CREATE INDEX exchange_attempt ON exchange (attempt_id);

-- Who did what to what, and why. Append-only.
CREATE TABLE journal (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT now(),
    subject text NOT NULL,
    actor   text NOT NULL,
    verb    text NOT NULL,
    before  text,
    after   text,
    reason  text
);
CREATE INDEX journal_subject ON journal (subject, id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER journal_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Dossiers. The submission itself stays in inbox.body, under the same id.
CREATE TABLE dossier (
    id          text PRIMARY KEY REFERENCES inbox (id),
    code        text NOT NULL UNIQUE,                -- normalised
    raw_code    text NOT NULL,
    reference   text NOT NULL,
    procedure   text NOT NULL,
    department  text NOT NULL,
    status      text NOT NULL,
    status_at   timestamptz NOT NULL,                -- when it came to stand there, by the department's word
    version     integer NOT NULL DEFAULT 1,
    reason      text,
    fee_due     bigint NOT NULL DEFAULT 0 CHECK (fee_due >= 0),  -- đồng, by the catalogue on the day of reception
    received_at timestamptz NOT NULL,
    due_at      timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX dossier_updated ON dossier (updated_at, id);

CREATE TABLE dossier_serial (
    agency text NOT NULL,
    day    date NOT NULL,
    last   integer NOT NULL,
    PRIMARY KEY (agency, day)
);

CREATE TABLE handoff (
    id          text PRIMARY KEY,
    dossier_id  text NOT NULL REFERENCES dossier (id),
    leg         integer NOT NULL,
    department  text NOT NULL,
    transfer_id text NOT NULL REFERENCES outbox (id),
    status      text NOT NULL CHECK (status IN ('prepared', 'acknowledged', 'refused')),
    number      text,                                -- the department's own
    prepared_at timestamptz NOT NULL,
    answered_at timestamptz,
    UNIQUE (dossier_id, leg)
);
CREATE INDEX handoff_transfer ON handoff (transfer_id);

-- What the portal is told, and may pull. Readers follow (tx, seq): a sequence alone would skip what commits late.
CREATE TABLE event (
    id            text PRIMARY KEY,
    tx            xid8 NOT NULL DEFAULT pg_current_xact_id(),
    seq           bigint GENERATED ALWAYS AS IDENTITY,
    type          text NOT NULL,
    submission_id text NOT NULL REFERENCES dossier (id),
    version       integer NOT NULL,
    at            timestamptz NOT NULL DEFAULT now(),
    notice        jsonb NOT NULL
);
CREATE INDEX event_order ON event (tx, seq);
CREATE INDEX event_submission ON event (submission_id, seq);
CREATE TRIGGER event_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
