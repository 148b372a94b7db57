-- The schema of the first release, by subject. A later change is a step of its own (0002_….py and .sql).

-- ── Messages: counterparties, inbox, outbox, evidence, audit log ─────────────────────────────────────────────────────

-- Counterparties: what a claim has to know about each; one row each, made from the catalogue at the start.
CREATE TABLE counterparty (
    code                 text PRIMARY KEY,
    paused_at            timestamptz,
    paused_by            text,
    pause_reason         text,
    failures             integer NOT NULL DEFAULT 0,  -- transport failures in a row
    breaker_open_until   timestamptz,                -- the breaker: quiet until then, then one probe
    last_success_at      timestamptz,
    waiting_for_capacity boolean NOT NULL DEFAULT false,  -- a transfer waits for capacity: who settles looks for it
    cursor               text NOT NULL DEFAULT '',   -- where the poller stands in its feed
    polled_at            timestamptz,
    enrolled_at          timestamptz NOT NULL DEFAULT now(),
    poll_lease_until     timestamptz,                -- the end of the lease under which its feed is being read
    feed_error           text                        -- of the last try, until one succeeds; nothing of any content
);

-- Received messages: the bytes as received; nothing is ever changed but the message's own state.
CREATE TABLE inbox (
    id               text PRIMARY KEY,
    source           text NOT NULL,
    kind             text NOT NULL,
    seq              bigint GENERATED ALWAYS AS IDENTITY,
    external_id      text NOT NULL,
    ordering_key     text NOT NULL DEFAULT '',       -- messages of one source and key are handled in order: the dossier
    fingerprint      bytea NOT NULL CHECK (length(fingerprint) = 32),
    media_type       text NOT NULL,
    body             bytea NOT NULL,
    received_at      timestamptz NOT NULL DEFAULT now(),
    due_at           timestamptz NOT NULL DEFAULT now(),
    wakeup_sent_at   timestamptz,
    attempts         integer NOT NULL DEFAULT 0,     -- also the version of the claim that is under way
    backoff_attempts integer NOT NULL DEFAULT 0,     -- since it came or was requeued
    -- Claims in a row that have not been settled, the one under way included: more than one means that processes died.
    unsettled_claims integer NOT NULL DEFAULT 0,
    state            text NOT NULL DEFAULT 'received' CHECK (state IN
                 ('received', 'waiting', 'handled', 'dead', 'refused')),
    error_code       text,
    error_detail     text,
    settled_at       timestamptz,
    UNIQUE (source, external_id),
    -- Refused: turned down for good, by a person, or because what it says cannot stand. Its sender is told.
    CHECK ((settled_at IS NOT NULL) = (state IN ('handled', 'refused')))
);
CREATE INDEX inbox_due ON inbox (due_at) WHERE state IN ('received', 'waiting');
CREATE INDEX inbox_ordering ON inbox (source, ordering_key, seq)
    WHERE ordering_key <> '' AND state IN ('received', 'waiting');
CREATE INDEX inbox_dead ON inbox (received_at) WHERE state = 'dead';
CREATE INDEX inbox_refused ON inbox (settled_at, id) WHERE state = 'refused' AND kind = 'portal.submission';
CREATE INDEX inbox_suspect ON inbox (due_at) WHERE unsettled_claims > 1;

-- A key seen in January still answers in December: narrow rows, no expiry.
CREATE TABLE idempotency (
    source      text NOT NULL,
    key         text NOT NULL,
    fingerprint bytea NOT NULL,
    message_id  text NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, key)
);

-- Outgoing messages: one row a transfer, in the order in which they were put.
CREATE TABLE outbox (
    id                   text PRIMARY KEY,
    seq                  bigint GENERATED ALWAYS AS IDENTITY,
    kind                 text NOT NULL,
    counterparty         text NOT NULL REFERENCES counterparty (code),
    ordering_key         text NOT NULL,              -- transfers of one key leave in order: the dossier
    key                  text NOT NULL,              -- what the counterparty may recognise a repetition by
    subject              text NOT NULL,              -- the submission it is about
    body                 bytea NOT NULL,
    deadline             timestamptz,                -- the legal one; the drain is in this order
    created_at           timestamptz NOT NULL DEFAULT now(),
    due_at               timestamptz NOT NULL DEFAULT now(),  -- when to try next; while sending: the end of the lease
    wakeup_sent_at       timestamptz,
    waiting_for_capacity boolean NOT NULL DEFAULT false,  -- its wake-up came when the counterparty had no capacity
    attempts             integer NOT NULL DEFAULT 0,  -- also the version of the claim that is under way
    backoff_attempts     integer NOT NULL DEFAULT 0,  -- since it was put or requeued
    -- Claims in a row that have not been settled, the one under way included: more than one means that processes died.
    unsettled_claims     integer NOT NULL DEFAULT 0,
    state                text NOT NULL DEFAULT 'queued' CHECK (state IN
                 ('queued', 'sending', 'retrying', 'unknown', 'delivered', 'refused', 'stuck', 'parked', 'cancelled')),
    error_code           text,
    error_detail         text,
    reason               text,                       -- why a person parked, cancelled or settled it
    review_at            timestamptz,
    reply                jsonb,
    settled_at           timestamptz,
    UNIQUE (kind, counterparty, key),
    CHECK ((settled_at IS NOT NULL) = (state IN ('delivered', 'refused', 'cancelled')))
);
CREATE INDEX outbox_ordering ON outbox (counterparty, ordering_key, seq) WHERE settled_at IS NULL;
CREATE INDEX outbox_due ON outbox (counterparty, due_at) WHERE state IN ('queued', 'retrying', 'unknown');
-- Apart from the waiting ones: counting what is under way must not grow with what waits.
CREATE INDEX outbox_sending ON outbox (counterparty, due_at) WHERE state = 'sending';
CREATE INDEX outbox_waiting_for_capacity ON outbox (counterparty, deadline, seq) WHERE waiting_for_capacity;
CREATE INDEX outbox_subject ON outbox (subject);
CREATE INDEX outbox_suspect ON outbox (due_at) WHERE unsettled_claims > 1;

-- Written before bytes leave: an attempt without an end past its lease is an unknown outcome.
CREATE TABLE attempt (
    id            text PRIMARY KEY,
    transfer_id   text NOT NULL REFERENCES outbox (id),
    number        integer NOT NULL,
    queried_first boolean NOT NULL,
    started_at    timestamptz NOT NULL DEFAULT now(),
    finished_at   timestamptz,
    outcome       text CHECK (outcome IN
                ('ok', 'rejected_business', 'failed_transport', 'timeout_unknown', 'contract_broken')),
    code          text,
    detail        text,
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

-- Retention in days: written by the owner (hub db upgrade, from HUB_EVIDENCE_DAYS), read by rotate_exchange().
CREATE TABLE retention (
    subject text PRIMARY KEY,
    days    integer NOT NULL CHECK (days >= 1)
);
INSERT INTO retention (subject, days) VALUES ('exchange', 90);

-- Create the coming months' partitions, drop those that are past the retention, and return the dropped names. It runs
-- as the owner of the tables, because the roles of the hub's processes own nothing and delete nothing (deploy/postgres),
-- and goes by the server's own day and by the retention table: whoever may call it chooses neither.
CREATE FUNCTION rotate_exchange() RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    today constant date := clock_timestamp()::date;
    oldest constant date := today - (SELECT days FROM public.retention WHERE subject = 'exchange');
    month date;
    place text;
BEGIN
    FOR month IN SELECT date_trunc('month', today) + n * interval '1 month' FROM generate_series(0, 2) AS n LOOP
        place := to_char(month, '"exchange_"YYYY_MM');
        CONTINUE WHEN to_regclass('public.' || place) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE TABLE public.%I PARTITION OF public.exchange FOR VALUES FROM (%L) TO (%L)',
                           place, month, (month + interval '1 month')::date);
        EXCEPTION WHEN check_violation OR duplicate_table THEN
            -- Rows of this month stand in the default partition already, and age there; or another process made it.
            NULL;
        END;
    END LOOP;
    DELETE FROM public.exchange_other WHERE at < oldest;
    FOR place IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'public.exchange'::regclass AND c.relname ~ '^exchange_\d{4}_\d{2}$'
          AND to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= oldest
        ORDER BY c.relname
    LOOP
        EXECUTE format('DROP TABLE public.%I', place);
        RETURN NEXT place;
    END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION rotate_exchange FROM PUBLIC;
SELECT rotate_exchange();

-- Who did what to what, and why. Append-only.
CREATE TABLE audit_log (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT now(),
    subject text NOT NULL,
    actor   text NOT NULL,
    action  text NOT NULL,                           -- of hub.audit.AuditAction
    before  text,
    after   text,
    reason  text,
    details jsonb NOT NULL DEFAULT '{}'              -- what a program reads of it again (the replay), by key
);
CREATE INDEX audit_log_subject ON audit_log (subject, id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- That a message came is written by the database, in its source's name: the endpoints' role writes no line of the audit
-- log.
CREATE FUNCTION audit_received() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO public.audit_log (subject, actor, action, after)
    VALUES (NEW.id, NEW.source, 'message_received', 'received');
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION audit_received FROM PUBLIC;
CREATE TRIGGER inbox_is_audited AFTER INSERT ON inbox FOR EACH ROW EXECUTE FUNCTION audit_received();

-- ── Dossiers and events ──────────────────────────────────────────────────────────────────────────────────────────────

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
    -- Whose clock says since when: of two reports the later one counts, but a receipt or our own clock may go otherwise
    -- than the reports'.
    by_report   boolean NOT NULL DEFAULT false,
    version     integer NOT NULL DEFAULT 1,
    reason      text,
    received_at timestamptz NOT NULL,
    released_at timestamptz,                         -- since when nothing held it back any more
    due_at      timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX dossier_updated ON dossier (updated_at, id);
-- By the code as it stands in a text whose separators were taken out.
CREATE INDEX dossier_squeezed ON dossier (translate(code, '.-', ''));

CREATE TABLE dossier_serial (
    agency text NOT NULL,
    day    date NOT NULL,
    last   integer NOT NULL,
    PRIMARY KEY (agency, day)
);

-- What the portal is told, and may pull. Readers follow (tx, seq): a sequence alone would skip what commits late.
CREATE TABLE event (
    id            text PRIMARY KEY,
    tx            xid8 NOT NULL DEFAULT pg_current_xact_id(),
    seq           bigint GENERATED ALWAYS AS IDENTITY,
    type          text NOT NULL,
    submission_id text NOT NULL REFERENCES inbox (id),  -- one that is refused never becomes a dossier
    version       integer NOT NULL,
    at            timestamptz NOT NULL DEFAULT now(),
    notice        jsonb NOT NULL
);
CREATE INDEX event_order ON event (tx, seq);
CREATE INDEX event_submission ON event (submission_id, seq);
CREATE TRIGGER event_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ── Custody: the log of what was signed ──────────────────────────────────────────────────────────────────────────────

-- The custody log, its checkpoints and what they stand on: an RFC 9162 tree over the hashes of everything signed.

-- One leaf for each signed record. It holds hashes only, so that it need never be erased; the bytes are beside it.
CREATE TABLE custody_leaf (
    id               text PRIMARY KEY,
    seq              bigint GENERATED ALWAYS AS IDENTITY,
    kind             text NOT NULL,                  -- what was signed: handoff, receipt, minute
    subject          text NOT NULL,                  -- the handoff that it is about
    record_hash      bytea NOT NULL CHECK (length(record_hash) = 32),
    signature_hashes bytea[] NOT NULL,               -- in the order of signing
    entered_at       timestamptz NOT NULL DEFAULT now(),
    place            bigint UNIQUE CHECK (place >= 0)  -- in the log, from 0; given once, after the commit
);
CREATE INDEX custody_leaf_waiting ON custody_leaf (seq) WHERE place IS NULL;
CREATE INDEX custody_leaf_subject ON custody_leaf (subject, seq);

CREATE FUNCTION place_leaf_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.place IS NULL AND NEW.place IS NOT NULL
       AND (OLD.id, OLD.seq, OLD.kind, OLD.subject, OLD.record_hash, OLD.signature_hashes, OLD.entered_at)
         = (NEW.id, NEW.seq, NEW.kind, NEW.subject, NEW.record_hash, NEW.signature_hashes, NEW.entered_at) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'custody_leaf is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER custody_leaf_is_placed_once BEFORE UPDATE ON custody_leaf
    FOR EACH ROW EXECUTE FUNCTION place_leaf_once();
CREATE TRIGGER custody_leaf_is_append_only BEFORE DELETE OR TRUNCATE ON custody_leaf
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The bytes that were signed, and their signatures. Retention may take the record away; its hash stays in the leaf.
CREATE TABLE custody_content (
    leaf_id    text PRIMARY KEY REFERENCES custody_leaf (id),
    record     bytea,                                -- NULL: expired
    signatures bytea[] NOT NULL
);
CREATE FUNCTION only_expire_content() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.record IS NULL AND (NEW.leaf_id, NEW.signatures) = (OLD.leaf_id, OLD.signatures) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'custody_content is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER custody_content_only_expires BEFORE UPDATE ON custody_content
    FOR EACH ROW EXECUTE FUNCTION only_expire_content();
CREATE TRIGGER custody_content_is_append_only BEFORE DELETE OR TRUNCATE ON custody_content
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Hashes of complete subtrees: level 0 is the leaves, "at" counts from the left. With these a proof reads log2(n) rows.
CREATE TABLE custody_node (
    level smallint NOT NULL CHECK (level >= 0),
    at    bigint NOT NULL CHECK (at >= 0),
    hash  bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, at)
);
CREATE TRIGGER custody_node_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON custody_node
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE custody_checkpoint (
    number    bigint PRIMARY KEY CHECK (number > 0),
    size      bigint NOT NULL CHECK (size > 0),
    root      bytea NOT NULL CHECK (length(root) = 32),
    at        timestamptz NOT NULL,
    body      bytea NOT NULL,                        -- canonical JSON; what is signed and stamped
    signature bytea NOT NULL,                        -- by the log's key
    witnessed boolean NOT NULL                       -- the day's: every department was handed it
);
CREATE INDEX custody_checkpoint_size ON custody_checkpoint (size, number);
CREATE INDEX custody_checkpoint_witnessed ON custody_checkpoint (number) WHERE witnessed;
CREATE TRIGGER custody_checkpoint_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON custody_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- RFC 3161 time stamps on checkpoints, verified before they are stored.
CREATE TABLE custody_stamp (
    checkpoint bigint NOT NULL REFERENCES custody_checkpoint (number),
    authority  text NOT NULL,                        -- the counterparty that gave it
    at         timestamptz NOT NULL,                 -- the time that it vouches for
    serial     text NOT NULL,
    token      bytea NOT NULL,
    stored_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (checkpoint, authority)
);
CREATE TRIGGER custody_stamp_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON custody_stamp
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What each witness answered: its receipt and counter-signature, or that the log does not go on from what it holds.
CREATE TABLE custody_witness (
    counterparty text NOT NULL,
    checkpoint   bigint NOT NULL REFERENCES custody_checkpoint (number),
    at           timestamptz NOT NULL,
    signature    bytea,                              -- over the checkpoint's bytes, where the witness can sign
    refusal      text,
    PRIMARY KEY (counterparty, checkpoint)
);
CREATE TRIGGER custody_witness_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON custody_witness
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Revocation lists as they were at the time: a signature made before a revocation is judged by the list of its day.
CREATE TABLE crl (
    hash        bytea PRIMARY KEY CHECK (length(hash) = 32),
    issuer      bytea NOT NULL,                      -- DER of the issuer's name
    number      numeric,
    this_update timestamptz NOT NULL,
    next_update timestamptz NOT NULL,
    der         bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX crl_issuer ON crl (issuer, this_update);
CREATE TRIGGER crl_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON crl
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ── Handoffs ─────────────────────────────────────────────────────────────────────────────────────────────────────────

-- Handoffs, counter-records and signed minutes. What was signed stands in custody_content; here is what a handoff has
-- come to, and the hash that the next record of the same dossier begins with.
CREATE TABLE handoff (
    id              text PRIMARY KEY,
    dossier_id      text NOT NULL REFERENCES dossier (id),
    leg             integer NOT NULL,
    department      text NOT NULL,
    transfer_id     text REFERENCES outbox (id),     -- NULL: it does not go out by itself (unsigned; a way back)
    status          text NOT NULL CHECK (status IN ('unsigned', 'prepared', 'acknowledged', 'complete', 'refused')),
    number          text,                            -- the department's own
    prepared_at     timestamptz NOT NULL,
    answered_at     timestamptz,
    act             text NOT NULL DEFAULT 'transfer' CHECK (act IN ('transfer', 'return')),
    carrier         text NOT NULL DEFAULT 'wire' CHECK (carrier IN ('wire', 'post')),
    officer         text,                            -- who signs for the giver, by the roster's id
    result          text NOT NULL DEFAULT 'none' CHECK (result IN ('none', 'early', 'on_time', 'late')),
    record_hash     bytea CHECK (length(record_hash) = 32),
    salt            bytea,                           -- of the record's "personal"; erased with the person's data
    draft           bytea,                           -- the record, while it waits to be signed elsewhere
    leaf_id         text REFERENCES custody_leaf (id),  -- the signed record
    receipt_leaf_id text REFERENCES custody_leaf (id),  -- the receiver's counter-record
    delivered_at    timestamptz,                     -- the paper, by the postal operator's word
    taken_at        timestamptz,                     -- when the receiver took it: by its receipt, or by the minute
    completed_at    timestamptz,
    UNIQUE (dossier_id, leg),
    CONSTRAINT handoff_draft_is_unsigned CHECK ((draft IS NOT NULL) = (status = 'unsigned')),
    CONSTRAINT handoff_complete_has_its_time CHECK ((completed_at IS NOT NULL) = (status = 'complete'))
);
CREATE INDEX handoff_transfer ON handoff (transfer_id);
CREATE INDEX handoff_unsigned ON handoff (prepared_at) WHERE status = 'unsigned';
CREATE INDEX handoff_open ON handoff (prepared_at) WHERE status IN ('prepared', 'acknowledged');

-- The paper minute (biên bản giao nhận) that both sides signed, scanned.
-- Its time is the legal one (QĐ 45/2016 Article 7).
CREATE TABLE handoff_minute (
    handoff_id text PRIMARY KEY REFERENCES handoff (id),
    at         timestamptz NOT NULL,
    signers    text[] NOT NULL CHECK (cardinality(signers) BETWEEN 1 AND 10),
    salt       bytea NOT NULL,
    media_type text NOT NULL,
    sha256     bytea NOT NULL CHECK (length(sha256) = 32),
    file       bytea CHECK (length(file) BETWEEN 1 AND 10485760),  -- NULL: expired
    leaf_id    text NOT NULL REFERENCES custody_leaf (id),
    entered_by text NOT NULL,
    entered_at timestamptz NOT NULL
);
CREATE FUNCTION only_expire_minute() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.file IS NULL
       AND (NEW.handoff_id, NEW.at, NEW.media_type, NEW.sha256, NEW.leaf_id, NEW.entered_by, NEW.entered_at)
         = (OLD.handoff_id, OLD.at, OLD.media_type, OLD.sha256, OLD.leaf_id, OLD.entered_by, OLD.entered_at) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'handoff_minute is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER handoff_minute_only_expires BEFORE UPDATE ON handoff_minute
    FOR EACH ROW EXECUTE FUNCTION only_expire_minute();
CREATE TRIGGER handoff_minute_is_append_only BEFORE DELETE OR TRUNCATE ON handoff_minute
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ── Consignments ─────────────────────────────────────────────────────────────────────────────────────────────────────

-- Consignments: the physical items that the postal operator carries. What is inside and what the operator says of them
-- stand in tables of their own; the status is the fold of what was said, kept here so that it can be asked for.
CREATE TABLE consignment (
    id              text PRIMARY KEY,
    operator        text NOT NULL,                   -- its code in the catalogue
    direction       text NOT NULL CHECK (direction IN
                  ('citizen_to_centre', 'centre_to_department', 'department_to_centre', 'agency_to_agency',
                   'result_to_citizen')),
    service         text NOT NULL CHECK (service IN ('documents', 'result', 'both')),  -- QĐ 45/2016 Đ5
    order_number    text NOT NULL,
    item_code       text,
    item_code_ok    boolean,                         -- false: its check digit is wrong, which is a warning only
    seal_number     text,
    route_class     text NOT NULL,
    cash            bigint NOT NULL DEFAULT 0 CHECK (cash >= 0),  -- đồng to collect
    handoff_id      text REFERENCES handoff (id),    -- whose papers travel, where it is a handoff's
    transfer_id     text REFERENCES outbox (id),     -- the order
    order_status    text NOT NULL CHECK (order_status IN ('ordered', 'accepted', 'refused', 'cancelled')),
    order_status_at timestamptz NOT NULL,            -- since when
    status          text NOT NULL CHECK (status IN
                  ('ordered', 'accepted', 'refused', 'cancelled', 'posted', 'in_transit', 'at_delivery_office',
                   'out_for_delivery', 'attempt_failed', 'damaged', 'lost', 'returning', 'returned', 'delivered')),
    status_at       timestamptz NOT NULL,
    attempts        timestamptz[] NOT NULL DEFAULT '{}',  -- of delivery, that failed
    damaged         boolean NOT NULL DEFAULT false,
    late_events     integer NOT NULL DEFAULT 0,      -- what is said to have happened after its end
    reason          text,                            -- why the operator refused it, or a person cancelled it
    token_hash      bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),  -- of the callback's capability URL
    ordered_at      timestamptz NOT NULL,
    posted_on       date,                            -- J: the day on the slip, never the legal time of submission
    promised_on     date,                            -- J+n by the route class
    last_event_at   timestamptz NOT NULL,            -- when the latest of what is known happened
    settled_at      timestamptz,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (operator, order_number)
);
CREATE INDEX consignment_open ON consignment (ordered_at) WHERE settled_at IS NULL;
CREATE INDEX consignment_ordered ON consignment (ordered_at, id);
CREATE INDEX consignment_transfer ON consignment (transfer_id);
CREATE INDEX consignment_handoff ON consignment (handoff_id) WHERE handoff_id IS NOT NULL;

-- The manifest (bảng kê): which dossier's papers or result lie in it.
CREATE TABLE consignment_item (
    consignment_id text NOT NULL REFERENCES consignment (id),
    number         integer NOT NULL,
    dossier_id     text NOT NULL REFERENCES dossier (id),
    kind           text NOT NULL CHECK (kind IN ('documents', 'result')),
    title          text NOT NULL,                    -- of the paper or procedure in the catalogue, nobody's own words
    originals      integer NOT NULL DEFAULT 1 CHECK (originals >= 0),
    copies         integer NOT NULL DEFAULT 0 CHECK (copies >= 0),
    PRIMARY KEY (consignment_id, number)
);
CREATE INDEX consignment_item_dossier ON consignment_item (dossier_id);

-- Pre-printed S10 codes, each used once.
CREATE TABLE item_code_pool (
    code           text PRIMARY KEY,
    operator       text NOT NULL,
    added_at       timestamptz NOT NULL DEFAULT now(),
    consignment_id text UNIQUE REFERENCES consignment (id),
    taken_at       timestamptz
);
CREATE INDEX item_code_free ON item_code_pool (operator, code) WHERE consignment_id IS NULL;

-- What happened to a consignment, by the operator's word or ours. Append-only; the natural key makes repetitions one.
CREATE TABLE tracking_event (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consignment_id text NOT NULL REFERENCES consignment (id),
    key            text NOT NULL,
    status         text NOT NULL,
    code           text NOT NULL,                    -- the operator's own
    at             timestamptz NOT NULL,             -- when it happened
    place          text,
    message_id     text REFERENCES inbox (id),       -- the whole of what was said; NULL: our own word
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (consignment_id, key)
);
CREATE TRIGGER tracking_event_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tracking_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Complaints about the service (TT 17/2017): six months to make one, 5 or 7 working days to settle it.
CREATE TABLE complaint (
    id             text PRIMARY KEY,
    consignment_id text NOT NULL REFERENCES consignment (id),
    subject        text NOT NULL CHECK (subject IN ('late', 'lost', 'damaged', 'not_delivered', 'conduct', 'other')),
    detail         text NOT NULL,
    filed_on       date NOT NULL,
    due_on         date NOT NULL,
    outcome        text CHECK (outcome IN ('upheld', 'rejected', 'withdrawn')),
    answer         text,
    resolved_on    date,
    CHECK ((resolved_on IS NULL) = (outcome IS NULL))
);
CREATE INDEX complaint_consignment ON complaint (consignment_id);
CREATE INDEX complaint_open ON complaint (due_on) WHERE resolved_on IS NULL;

-- Loss and damage: who is liable, and what was paid (QĐ 45/2016 Đ14).
CREATE TABLE incident (
    id             text PRIMARY KEY,
    consignment_id text NOT NULL REFERENCES consignment (id),
    kind           text NOT NULL CHECK (kind IN ('loss', 'damage')),
    found_on       date NOT NULL,
    liable         text NOT NULL CHECK (liable IN ('operator', 'sender', 'agency', 'nobody')),
    compensation   bigint NOT NULL DEFAULT 0 CHECK (compensation >= 0),  -- đồng
    note           text NOT NULL,
    UNIQUE (consignment_id, kind)
);

-- Work for a person. Each occasion is raised once; what mends it clears it.
CREATE TABLE attention (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject    text NOT NULL,                        -- a consignment, or a dossier for which none could be ordered
    kind       text NOT NULL,
    occasion   text NOT NULL,                        -- what tells this time from another: a day, a complaint
    raised_at  timestamptz NOT NULL DEFAULT now(),
    cleared_at timestamptz,
    cleared_by text,
    UNIQUE (subject, kind, occasion)
);
CREATE INDEX attention_open ON attention (raised_at) WHERE cleared_at IS NULL;
CREATE INDEX attention_open_of ON attention (subject) WHERE cleared_at IS NULL;

-- ── Fee demands ──────────────────────────────────────────────────────────────────────────────────────────────────────

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

-- ── Notifications and payments ───────────────────────────────────────────────────────────────────────────────────────

-- What banks and gateways notified, and the payments that follow. Amounts are đồng.

-- Every delivery at a notification door as it came, before anybody has looked into it. Append-only.
CREATE TABLE notify_delivery (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider    text NOT NULL,                       -- the bank's code in the catalogue
    received_at timestamptz NOT NULL DEFAULT now(),
    query       bytea NOT NULL,                      -- raw; of a GET, all that was said
    headers     jsonb NOT NULL,                      -- those on which the verdict stands
    body        bytea NOT NULL,
    sha256      bytea NOT NULL CHECK (length(sha256) = 32)  -- of query, NUL, body
);
CREATE INDEX notify_delivery_of ON notify_delivery (provider, received_at);
CREATE TRIGGER notify_delivery_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON notify_delivery
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- One movement of money as its provider first said it: said again it is a repetition, said otherwise a conflict.
CREATE TABLE notify_event (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider       text NOT NULL,
    provider_txn   text NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('payment', 'refund', 'reversal', 'failed')),
    amount         bigint NOT NULL CHECK (amount > 0),
    currency       text NOT NULL,
    paid_at        timestamptz,                      -- NULL: the provider does not say
    account        text NOT NULL,
    bank_ref       text,
    reference_text text NOT NULL,                    -- what should hold our reference
    content_hash   bytea NOT NULL CHECK (length(content_hash) = 32),
    delivery_id    bigint NOT NULL UNIQUE REFERENCES notify_delivery (id),  -- the first
    verdict        text NOT NULL,
    answer_status  integer NOT NULL,                 -- what the first was answered is what every repetition is answered
    answer_body    bytea,
    inbox_id       text NOT NULL UNIQUE REFERENCES inbox (id),
    UNIQUE (provider, provider_txn, kind)
);
CREATE TRIGGER notify_event_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON notify_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What was found of a delivery and what was answered. A delivery without a verdict was cut off by a crash; nobody has
-- heard a success for it, so its provider says it again. Append-only.
CREATE TABLE notify_verdict (
    delivery_id   bigint PRIMARY KEY REFERENCES notify_delivery (id),
    at            timestamptz NOT NULL DEFAULT now(),
    verdict       text NOT NULL CHECK (verdict IN
                  ('accepted', 'repeated', 'ignored', 'bad_signature', 'stale', 'unknown_key', 'malformed', 'conflict',
                   'unknown_order', 'wrong_amount', 'final')),
    code          text,                              -- of the exception: N03 to N06
    key_id        text,                              -- that signed it
    event_id      bigint REFERENCES notify_event (id),
    answer_status integer NOT NULL,
    answer_body   bytea
);
CREATE INDEX notify_verdict_event ON notify_verdict (event_id) WHERE event_id IS NOT NULL;
CREATE TRIGGER notify_verdict_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON notify_verdict
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- "A provider or a statement says that money came in." Its facts never change; what became of it does. What a postman
-- has collected is a payment of "postal.<operator>", which calls it by the order number: it is notified until the
-- operator's remittance stands on a statement.
CREATE TABLE payment (
    id            text PRIMARY KEY,
    source        text NOT NULL CHECK (source IN ('notification', 'statement', 'postman')),
    provider      text NOT NULL,                     -- who said so: a bank's code
    provider_txn  text,
    account       text NOT NULL,                     -- of ours, into which it came
    bank_ref      text,
    amount        bigint NOT NULL CHECK (amount > 0),
    allocated     bigint NOT NULL DEFAULT 0,
    paid_at       timestamptz NOT NULL,
    business_date date NOT NULL,                     -- in Vietnam; computed once
    reference     text,                              -- ours, where it was found with its check digits
    text          text NOT NULL DEFAULT '',          -- the payer's words
    status        text NOT NULL CHECK (status IN
                  ('notified', 'confirmed', 'found_on_statement', 'unconfirmed_overdue', 'voided', 'reversed',
                   'charged_back', 'refunded')),
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    CHECK (allocated BETWEEN 0 AND amount),
    CHECK (source <> 'notification' OR provider_txn IS NOT NULL),
    CONSTRAINT payment_of_a_postman_is_named CHECK (source <> 'postman' OR provider_txn IS NOT NULL)
);
CREATE UNIQUE INDEX payment_provider_txn ON payment (provider, provider_txn) WHERE provider_txn IS NOT NULL;
CREATE UNIQUE INDEX payment_bank_ref ON payment (account, bank_ref) WHERE bank_ref IS NOT NULL;
CREATE INDEX payment_reference ON payment (reference) WHERE reference IS NOT NULL;
CREATE INDEX payment_day ON payment (account, business_date);
CREATE INDEX payment_unconfirmed ON payment (business_date) WHERE status = 'notified';

-- A notification of money that a statement had shown before: it is that payment, told again. Each provider tells of a
-- payment once (whatever tells of it a second time is other money until a person says otherwise), but one movement may
-- stand under the numbers of several issuers.
CREATE TABLE late_notification (
    event_id   bigint PRIMARY KEY REFERENCES notify_event (id),
    payment_id text NOT NULL REFERENCES payment (id),
    joined_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX late_notification_of ON late_notification (payment_id);
CREATE TRIGGER late_notification_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON late_notification
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Requests that were not authenticated, counted by counterparty, reason and day: such a caller leaves nothing else.
CREATE TABLE rejected_request (
    counterparty text NOT NULL,                      -- whose endpoint it was
    reason       text NOT NULL,                      -- the verdict
    day          date NOT NULL,                      -- in Vietnam
    count        bigint NOT NULL DEFAULT 1 CHECK (count > 0),
    PRIMARY KEY (counterparty, reason, day)
);

-- ── Statements ───────────────────────────────────────────────────────────────────────────────────────────────────────

-- What banks' files say. A file is accepted whole or not at all: its statements and lines are here only if it is.
-- Amounts are đồng, credits positive.

-- The bytes as they came, and what became of them. The same bytes are one file, whatever they are called.
CREATE TABLE statement_file (
    id           text PRIMARY KEY,
    bank         text NOT NULL,                      -- its code in the catalogue
    name         text NOT NULL,
    sha256      bytea NOT NULL UNIQUE CHECK (length(sha256) = 32),
    body         bytea NOT NULL,
    -- A verdict is of the bytes and of the profile by which they were read: by another one a held file is read anew.
    profile      bytea CHECK (length(profile) = 32),
    format       text CHECK (format IN ('camt', 'mt940', 'csv', 'xlsx')),
    state        text NOT NULL CHECK (state IN
                ('balanced', 'accepted', 'quarantined', 'accepted_with_approval', 'rejected', 'superseded')),
    submitted_by text NOT NULL,                      -- a person, or the bank whose service it was fetched from
    received_at  timestamptz NOT NULL,
    summary      jsonb NOT NULL,                     -- per statement: account, days, the three numbers, lines
    findings     jsonb NOT NULL,                     -- why it is not accepted, or what two persons have accepted
    proposal     text CHECK (proposal IN ('approve', 'reject')),
    maker        text,
    reason       text,
    checker      text CHECK (checker <> maker),
    settled_at   timestamptz,
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
    text_norm    text NOT NULL,                      -- the copy that evidence is looked for in (hub.fees.reconciliation.matching)
    text_version integer NOT NULL,                   -- of what made that copy
    reversal     boolean NOT NULL,
    allocated    bigint NOT NULL DEFAULT 0 CHECK (allocated BETWEEN 0 AND abs(amount)),
    state        text NOT NULL CHECK (state IN
                 ('pending', 'new', 'matched', 'in_exception', 'not_fee', 'vanished', 'reversed')),
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
CREATE FUNCTION keep_booked_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'BOOK' AND (OLD.account, OLD.line_key, OLD.booking_date, OLD.value_date, OLD.amount, OLD.text,
            OLD.reversal, OLD.status) IS DISTINCT FROM (NEW.account, NEW.line_key, NEW.booking_date, NEW.value_date,
            NEW.amount, NEW.text, NEW.reversal, NEW.status) THEN
        RAISE EXCEPTION 'a booked line is never changed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER statement_line_booked_is_immutable BEFORE UPDATE ON statement_line
    FOR EACH ROW EXECUTE FUNCTION keep_booked_line();
CREATE TRIGGER statement_line_is_not_deleted BEFORE DELETE OR TRUNCATE ON statement_line
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER statement_is_not_deleted BEFORE DELETE OR TRUNCATE ON statement
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER statement_file_is_not_deleted BEFORE DELETE OR TRUNCATE ON statement_file
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ── Closed days and months ───────────────────────────────────────────────────────────────────────────────────────────

-- A day of an account of the bank, or a month of all of them, that is closed. Two persons close, and two open again;
-- closing it again is another row, and the row of before stays, with its digest.
CREATE TABLE day_close (
    account        text NOT NULL,                    -- of the bank, or 'book'
    day            date NOT NULL,
    closed_at      timestamptz NOT NULL DEFAULT now(),
    digest         bytea NOT NULL CHECK (length(digest) = 32),  -- of what was closed
    totals         jsonb NOT NULL DEFAULT '{}',      -- what "digest" is of
    maker          text NOT NULL,
    checker        text NOT NULL CHECK (checker <> maker),
    reopened_at    timestamptz CHECK (reopened_at >= closed_at),
    reopen_maker   text,
    reopen_checker text CHECK (reopen_checker <> reopen_maker),
    reopen_reason  text,
    PRIMARY KEY (account, day, closed_at),
    CHECK (num_nulls(reopened_at, reopen_maker, reopen_checker, reopen_reason) IN (0, 4))
);
CREATE UNIQUE INDEX day_close_once ON day_close (account, day) WHERE reopened_at IS NULL;

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

CREATE FUNCTION book_is_closed(for_account text, on_day date) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM day_close WHERE day = on_day AND reopened_at IS NULL
                   AND (for_account IS NULL OR account IN (for_account, 'book')))
        OR EXISTS (SELECT 1 FROM month_close
                   WHERE month = date_trunc('month', on_day)::date AND reopened_at IS NULL)
$$;

-- ── Ledger ───────────────────────────────────────────────────────────────────────────────────────────────────────────

-- The Centre's book: double entry in whole đồng. An entry is numbered by the database, without gaps, and
-- is never changed; what was wrong is put right by a further entry.

CREATE TABLE ledger_entry (
    seq           bigint PRIMARY KEY CHECK (seq > 0),  -- gapless
    business_date date NOT NULL,                     -- in Vietnam; that of the bank where there is a statement line
    -- What was found after its day had been closed stands on a later day, and says on which it belongs.
    original_date date CHECK (original_date < business_date),
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
CREATE INDEX ledger_entry_day ON ledger_entry (business_date, seq);

-- Accounts: docs/decisions/0017. "item" is the open item: the payment, statement line or refund that
-- stands behind a sum which has to go to zero.
CREATE TABLE ledger_line (
    entry_seq  bigint NOT NULL REFERENCES ledger_entry (seq),
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
CREATE INDEX ledger_line_account ON ledger_line (account, entry_seq);
CREATE INDEX ledger_line_demand ON ledger_line (demand_id) WHERE demand_id IS NOT NULL;
CREATE INDEX ledger_line_item ON ledger_line (item, account) WHERE item IS NOT NULL;
CREATE INDEX ledger_line_payable ON ledger_line (department, fee_code) WHERE account = '331';

-- Numbers are given one transaction after the other, and the lock goes with the commit: no gap, no two of one number.
-- A close takes the same lock, so no entry slips in beside it.
--
-- What the Centre keeps of a month is worked out from its closed days, and stands on the last of them: of such an entry
-- ("retained…", on no bank account) only the month must be open.
CREATE FUNCTION number_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7310002);
    IF month_is_closed(NEW.business_date) OR (book_is_closed(NEW.bank_account, NEW.business_date)
            AND (NEW.bank_account IS NOT NULL OR NEW.kind NOT LIKE 'retained%')) THEN
        RAISE EXCEPTION 'the book of % is closed', NEW.business_date USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    NEW.seq := COALESCE((SELECT max(seq) FROM ledger_entry), 0) + 1;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_entry_is_numbered BEFORE INSERT ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION number_entry();

-- At the commit an entry has as many lines as it says, and both sides are what it says: nothing is added to it later.
CREATE FUNCTION entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked bigint := COALESCE(to_jsonb(NEW) ->> 'seq', to_jsonb(NEW) ->> 'entry_seq')::bigint;
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM ledger_entry e JOIN ledger_line l ON l.entry_seq = e.seq WHERE e.seq = checked
        GROUP BY e.seq HAVING count(*) = e.lines AND sum(l.dr) = e.amount AND sum(l.cr) = e.amount
    ) THEN
        RAISE EXCEPTION 'entry % does not balance', checked USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_entry_balances AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION entry_balances();
CREATE CONSTRAINT TRIGGER ledger_line_balances AFTER INSERT ON ledger_line
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION entry_balances();

CREATE TRIGGER ledger_entry_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_line_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_line
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Each covers the entries after the one before it. Its signed bytes are a leaf of the custody log, so that the
-- departments, which keep that log's checkpoints, are witnesses of the book.
CREATE TABLE ledger_checkpoint (
    number    bigint PRIMARY KEY CHECK (number > 0),
    day       date NOT NULL,                         -- in Vietnam, on which it was made
    first_seq bigint NOT NULL UNIQUE,
    last_seq  bigint NOT NULL UNIQUE REFERENCES ledger_entry (seq),
    root      bytea NOT NULL CHECK (length(root) = 32),  -- RFC 9162, over the entries' digests
    body      bytea NOT NULL,                        -- canonical JSON; what is signed
    signature bytea NOT NULL,                        -- by the log's key
    leaf_id   text NOT NULL UNIQUE REFERENCES custody_leaf (id),
    made_at   timestamptz NOT NULL DEFAULT now(),
    CHECK (first_seq <= last_seq)
);
CREATE TRIGGER ledger_checkpoint_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

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

-- ── Exceptions ───────────────────────────────────────────────────────────────────────────────────────────────────────

-- Exceptions, work for the accountants: one open exception of a code for an object, and what persons do about it: who
-- has it, how it is to be settled, who agreed. Not called "exception": in PL/pgSQL that is a keyword (RAISE EXCEPTION,
-- EXCEPTION WHEN), and every trigger below that names the table would read as an error handler.
CREATE TABLE fee_exception (
    id             text PRIMARY KEY,
    code           text NOT NULL,
    severity       smallint NOT NULL CHECK (severity BETWEEN 1 AND 4),  -- 1: the worst
    at_risk        bigint NOT NULL CHECK (at_risk >= 0),  -- đồng
    object_type    text NOT NULL,
    object_id      text NOT NULL,
    state          text NOT NULL CHECK (state IN ('open', 'assigned', 'proposed', 'approved', 'resolved')),
    due_on         date NOT NULL,
    facts          jsonb NOT NULL,
    resolution     text,
    details        jsonb NOT NULL DEFAULT '{}',      -- what the resolution has to know
    reason         text,                             -- of the resolution
    persons        smallint CHECK (persons IN (1, 2)),  -- how many it takes
    maker          text,
    checker        text CHECK (checker <> maker),
    assigned_to    text,
    carried_by     text,                             -- who let it stay open over a close, and
    carried_reason text,                             -- why
    opened_at      timestamptz NOT NULL DEFAULT now(),
    resolved_at    timestamptz,
    CHECK (checker IS NULL OR maker IS NOT NULL),
    CHECK (state NOT IN ('proposed', 'approved') OR (resolution IS NOT NULL AND maker IS NOT NULL)),
    CHECK (state <> 'assigned' OR assigned_to IS NOT NULL),
    CHECK (state NOT IN ('approved', 'resolved') OR persons IS DISTINCT FROM 2 OR checker IS NOT NULL),
    CHECK ((carried_by IS NULL) = (carried_reason IS NULL))
);
CREATE UNIQUE INDEX fee_exception_once ON fee_exception (code, object_type, object_id) WHERE state <> 'resolved';
CREATE INDEX fee_exception_open ON fee_exception (due_on, id) WHERE state <> 'resolved';
CREATE INDEX fee_exception_object ON fee_exception (object_type, object_id);

-- A later match explains an exception, whatever was proposed about it: the proposal is over. It ends at a time; what is
-- resolved stays as it was resolved until it is opened again.
CREATE FUNCTION resolve_exception() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'resolved' AND NEW.state = 'resolved' THEN
        RAISE EXCEPTION 'the exception % is resolved', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state = 'resolved' AND OLD.persons IS NOT NULL AND NEW.resolution IS DISTINCT FROM OLD.resolution THEN
        NEW.persons := NULL; NEW.maker := NULL; NEW.checker := NULL; NEW.details := '{}'; NEW.reason := NULL;
    END IF;
    NEW.resolved_at := CASE WHEN NEW.state = 'resolved' THEN now() END;
    RETURN NEW;
END $$;
CREATE TRIGGER fee_exception_is_resolved BEFORE UPDATE OF state ON fee_exception
    FOR EACH ROW EXECUTE FUNCTION resolve_exception();

-- ── Closing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

-- What one person has proposed: to close, with the digest of what it came to then, or to open again, and why. Another
-- agrees to exactly that; if it comes to something else by now, the proposal is overtaken by a new one.
CREATE TABLE close_proposal (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action      text NOT NULL CHECK (action IN ('close', 'reopen')),
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
    CHECK (action = 'close' OR reason IS NOT NULL),
    CHECK (account <> 'book' OR extract(day FROM day) = 1)
);
CREATE UNIQUE INDEX close_proposal_once ON close_proposal (action, account, day) WHERE ended_at IS NULL;

-- What was closed stays as it was closed; what may be written later, once, is by whom, when and why it was opened again.
-- No day of a closed month is.
CREATE FUNCTION reopen_once() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER day_close_is_reopened_once BEFORE UPDATE ON day_close FOR EACH ROW EXECUTE FUNCTION reopen_once();
CREATE TRIGGER day_close_is_append_only BEFORE DELETE OR TRUNCATE ON day_close
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER month_close_is_reopened_once BEFORE UPDATE ON month_close FOR EACH ROW EXECUTE FUNCTION reopen_once();
CREATE TRIGGER month_close_is_append_only BEFORE DELETE OR TRUNCATE ON month_close
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- While the proof is red (L01–L04) nothing is closed.
CREATE FUNCTION require_green_proof() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7310002);
    IF EXISTS (SELECT 1 FROM fee_exception WHERE code IN ('L01', 'L02', 'L03', 'L04') AND state <> 'resolved') THEN
        RAISE EXCEPTION 'the proof of the book is red' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER day_close_requires_green_proof BEFORE INSERT ON day_close
    FOR EACH ROW EXECUTE FUNCTION require_green_proof();
CREATE TRIGGER month_close_requires_green_proof BEFORE INSERT ON month_close
    FOR EACH ROW EXECUTE FUNCTION require_green_proof();

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

-- ── Matching ─────────────────────────────────────────────────────────────────────────────────────────────────────────

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
    provider     text NOT NULL,
    report       text NOT NULL,                      -- its name, which stands in the line's text
    account      text NOT NULL,
    day          date NOT NULL,                      -- of the settlement
    net          bigint NOT NULL CHECK (net > 0),    -- what it says that it pays
    submitted_by text NOT NULL,
    submitted_at timestamptz NOT NULL,
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
    id           bigint PRIMARY KEY DEFAULT nextval('match_group_id'),
    run_id       bigint NOT NULL,
    pass         text NOT NULL CHECK (pass IN
                  ('P0', 'P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8', 'P9', 'P10', 'P11', 'PO')),
    class        text NOT NULL CHECK (class IN ('A', 'B', 'C', 'D')),
    rule_version integer NOT NULL,
    state        text NOT NULL CHECK (state IN ('proposed', 'confirmed', 'revoked', 'rejected', 'superseded')),
    evidence     jsonb NOT NULL,                     -- what was seen, without anybody's words
    maker        text,
    checker      text,
    reason       text,
    revoke_maker text,
    CHECK (checker <> maker),
    CHECK (class <> 'C' OR state <> 'confirmed' OR (maker IS NOT NULL AND checker IS NOT NULL))
);
CREATE INDEX match_group_run ON match_group (run_id);
CREATE INDEX match_group_open ON match_group (id) WHERE state = 'proposed';
-- Whether a payout's report is joined already is asked for every report.
CREATE INDEX match_group_payout ON match_group ((evidence ->> 'provider'), (evidence ->> 'report')) WHERE pass = 'P9';

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

-- ── Payment orders, refunds, chargebacks ─────────────────────────────────────────────────────────────────────────────

-- What we pay out: orders to our bank, and what is given back to those who paid. Amounts are đồng.

CREATE SEQUENCE order_reference_serial AS bigint MINVALUE 1 MAXVALUE 9999999999;

-- An order to our bank to pay. Its reference has letters of its own, and stands in the content: the debit on our
-- statement is recognised by it. One person asks, another approves; what it says is never changed.
CREATE TABLE payment_order (
    id               text PRIMARY KEY,
    purpose          text NOT NULL CHECK (purpose IN ('refund', 'remittance')),
    subject_id       text NOT NULL,                  -- the refund or settlement that it pays
    reference        text NOT NULL UNIQUE CHECK (is_payment_reference(reference)),
    account          text NOT NULL,                  -- of ours, that it is paid from
    amount           bigint NOT NULL CHECK (amount > 0),
    payee            jsonb NOT NULL,                 -- bank, account and holder: personal where it is a refund
    state            text NOT NULL CHECK (state IN
                     ('requested', 'approved', 'sent', 'confirmed', 'failed', 'cancelled')),
    maker            text NOT NULL,
    checker          text CHECK (checker <> maker),
    reason           text NOT NULL,
    requested_at     timestamptz NOT NULL,
    approved_at      timestamptz,
    sent_at          timestamptz,                    -- its file was made for the bank
    settled_at       timestamptz,                    -- confirmed, failed or cancelled
    line_id          bigint UNIQUE,                  -- the debit that shows it
    returned_line_id bigint UNIQUE,                  -- the credit by which it came back
    CHECK (state IN ('requested', 'cancelled') OR (checker IS NOT NULL AND approved_at IS NOT NULL)),
    CHECK (state <> 'sent' OR sent_at IS NOT NULL),
    CHECK (state <> 'confirmed' OR line_id IS NOT NULL),
    CHECK (returned_line_id IS NULL OR (state = 'failed' AND line_id IS NOT NULL)),
    CHECK ((settled_at IS NOT NULL) = (state IN ('confirmed', 'failed', 'cancelled')))
);
-- What is to be paid is ordered once: two officers at once, or one who clicks twice, make one order.
CREATE UNIQUE INDEX payment_order_live ON payment_order (subject_id) WHERE state NOT IN ('failed', 'cancelled');
CREATE INDEX payment_order_subject ON payment_order (subject_id);
CREATE INDEX payment_order_open ON payment_order (account, id) WHERE state IN ('requested', 'approved', 'sent');

CREATE FUNCTION move_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.id, OLD.purpose, OLD.subject_id, OLD.reference, OLD.account, OLD.amount, OLD.payee, OLD.maker, OLD.reason)
       IS DISTINCT FROM (NEW.id, NEW.purpose, NEW.subject_id, NEW.reference, NEW.account, NEW.amount, NEW.payee,
                         NEW.maker, NEW.reason)
       OR (OLD.checker IS NOT NULL AND OLD.checker IS DISTINCT FROM NEW.checker)
       OR (OLD.line_id IS NOT NULL AND OLD.line_id IS DISTINCT FROM NEW.line_id) THEN
        RAISE EXCEPTION 'what a payment order says is never changed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN (
        ('requested', 'approved'), ('requested', 'cancelled'), ('approved', 'sent'), ('approved', 'cancelled'),
        ('approved', 'confirmed'), ('sent', 'confirmed'), ('sent', 'failed'), ('confirmed', 'failed')) THEN
        RAISE EXCEPTION 'a payment order that is % is not %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payment_order_moves BEFORE UPDATE ON payment_order FOR EACH ROW EXECUTE FUNCTION move_order();
CREATE TRIGGER payment_order_is_not_deleted BEFORE DELETE OR TRUNCATE ON payment_order
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What is given back. From 331: all that counts for a demand; from 338 or 339: of what a payment (or line) has there.
CREATE TABLE refund (
    id           text PRIMARY KEY,
    source       text NOT NULL CHECK (source IN ('331', '338', '339')),  -- the account on which it stands
    item         text NOT NULL,                      -- the demand; or the payment or line
    amount       bigint NOT NULL CHECK (amount > 0),
    state        text NOT NULL CHECK (state IN
                 ('requested', 'approved', 'sent', 'confirmed', 'failed', 'cancelled')),
    reason       text NOT NULL,
    due_on       date NOT NULL,                      -- by when its payer is to have it
    requested_at timestamptz NOT NULL,
    booked_at    timestamptz,                        -- since when it stands on 113; NULL: it does not
    exception_ids     text[] NOT NULL DEFAULT '{}',       -- the cases that were over when it was approved
    CHECK (state NOT IN ('approved', 'sent', 'failed') OR booked_at IS NOT NULL),
    CHECK (state NOT IN ('confirmed', 'cancelled') OR booked_at IS NULL)
);
CREATE INDEX refund_item ON refund (item);
-- The same sum is asked for once at a time.
CREATE UNIQUE INDEX refund_once ON refund (source, item) WHERE state = 'requested' AND booked_at IS NULL;

-- No more is given back than is there. What is approved has left its account; what is only asked for has not.
CREATE FUNCTION cover_refund() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    stands bigint;
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.id, OLD.source, OLD.item, OLD.amount, OLD.reason, OLD.requested_at)
       IS DISTINCT FROM (NEW.id, NEW.source, NEW.item, NEW.amount, NEW.reason, NEW.requested_at) THEN
        RAISE EXCEPTION 'what a refund says is never changed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'INSERT' THEN
        PERFORM pg_advisory_xact_lock(7310014, hashtext(NEW.item));
        SELECT coalesce(sum(l.cr - l.dr), 0) INTO stands FROM ledger_line l
        WHERE l.account = NEW.source AND CASE NEW.source WHEN '331' THEN l.demand_id ELSE l.item END = NEW.item;
        IF NEW.amount > stands THEN
            RAISE EXCEPTION '% đ are to be given back, and % đ are there', NEW.amount, stands
                USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refund_is_covered BEFORE INSERT OR UPDATE ON refund FOR EACH ROW EXECUTE FUNCTION cover_refund();
CREATE TRIGGER refund_is_not_deleted BEFORE DELETE OR TRUNCATE ON refund
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A payer has his card's bank ask the money back (tra soát). While it is argued nothing moves; what is lost leaves by a
-- debit that names the provider's case.
CREATE TABLE chargeback (
    id            text PRIMARY KEY,
    payment_id    text NOT NULL REFERENCES payment (id),
    account       text NOT NULL,                     -- of ours, that would be debited
    amount        bigint NOT NULL CHECK (amount > 0),  -- all of the payment
    provider_case text NOT NULL CHECK (provider_case ~ '^[A-Z0-9]{6,40}$'),  -- their number of it
    state         text NOT NULL CHECK (state IN ('noticed', 'evidence', 'won', 'lost')),
    answer_by     date NOT NULL,                     -- after which it is lost by silence
    maker         text NOT NULL,
    reason        text NOT NULL,
    noticed_at    timestamptz NOT NULL,
    settled_at    timestamptz,
    line_id       bigint UNIQUE,                     -- the debit that took it
    UNIQUE (account, provider_case),
    CHECK ((settled_at IS NOT NULL) = (state IN ('won', 'lost'))),
    CHECK (line_id IS NULL OR state = 'lost')
);
CREATE UNIQUE INDEX chargeback_live ON chargeback (payment_id) WHERE state <> 'won';
CREATE INDEX chargeback_open ON chargeback (account) WHERE line_id IS NULL;
CREATE TRIGGER chargeback_is_not_deleted BEFORE DELETE OR TRUNCATE ON chargeback
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ── Settlements with departments ─────────────────────────────────────────────────────────────────────────────────────

-- A department's month. Its table is canonical JSON under the Centre's seal; what it says is never changed. đồng.
CREATE TABLE settlement (
    id             text PRIMARY KEY,
    department     text NOT NULL,
    month          date NOT NULL CHECK (extract(day FROM month) = 1),
    state          text NOT NULL CHECK (state IN ('computed', 'notified', 'confirmed', 'disputed', 'ordered',
                'transferred', 'receipted', 'closed', 'withdrawn')),
    opening        bigint NOT NULL,                  -- carried over from earlier tables
    receipts       bigint NOT NULL,
    refunds        bigint NOT NULL,
    adjustments    bigint NOT NULL,
    retained       bigint NOT NULL,
    net            bigint NOT NULL,
    disputed       bigint NOT NULL DEFAULT 0,        -- of net, what the department does not accept
    body           bytea NOT NULL,
    sha256      bytea NOT NULL UNIQUE CHECK (sha256 = sha256(body)),
    signature      bytea NOT NULL,                   -- detached CAdES-B, by the Centre's seal
    leaf_id        text NOT NULL UNIQUE REFERENCES custody_leaf (id),
    computed_at    timestamptz NOT NULL,
    notified_at    timestamptz,                      -- the department said that it has it
    answer_id      text,                             -- the department's, and
    answer         bytea,                            -- its bytes
    answered_at    timestamptz,
    order_id       text UNIQUE,                      -- the payment order that carries the money
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

CREATE FUNCTION keep_signed_settlement() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER settlement_signed_is_immutable BEFORE UPDATE ON settlement
    FOR EACH ROW EXECUTE FUNCTION keep_signed_settlement();
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
    entry_seq     bigint NOT NULL REFERENCES ledger_entry (seq),
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
        LEFT JOIN ledger_line l ON l.entry_seq = i.entry_seq AND l.number = i.line_number
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

-- ── Receipts ─────────────────────────────────────────────────────────────────────────────────────────────────────────

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
    id               text PRIMARY KEY CHECK (id ~ '^rc_'),
    series           text NOT NULL,
    year             smallint NOT NULL,
    number           integer NOT NULL,
    demand_id        text NOT NULL REFERENCES fee_demand (id),
    department       text NOT NULL,
    kind             text NOT NULL CHECK (kind IN ('phi', 'le_phi')),
    amount           bigint NOT NULL CHECK (amount > 0),
    issued_on        date NOT NULL,                  -- in Vietnam
    issued_at        timestamptz NOT NULL,
    body             bytea NOT NULL,                 -- canonical JSON; names nobody
    signature        bytea NOT NULL,                 -- the Centre's seal over it
    leaf_id          text NOT NULL REFERENCES custody_leaf (id),
    replaces         text UNIQUE REFERENCES receipt (id),
    counterparty     text,                           -- the issuer that is told; none: it is issued here alone
    published_at     timestamptz,                    -- when the issuer said that it has it
    issuer_number    integer,                        -- the number that the issuer gave it
    void_maker       text,                           -- of two persons the first
    void_reason      text,
    voided_at        timestamptz,
    voided_by        text,                           -- the second, or the hub itself when the money went away
    void_notified_at timestamptz,
    UNIQUE (series, year, number),
    FOREIGN KEY (series, year) REFERENCES receipt_series (series, year),
    CHECK (year = extract(year FROM issued_on)),
    CHECK ((published_at IS NULL) = (issuer_number IS NULL)),
    CHECK ((voided_at IS NULL) = (voided_by IS NULL)),
    CHECK (voided_at IS NULL OR void_reason IS NOT NULL),
    CHECK (voided_by IS NULL OR voided_by = 'hub' OR (void_maker IS NOT NULL AND void_maker <> voided_by)),
    CHECK (void_notified_at IS NULL OR voided_at IS NOT NULL)
);
CREATE UNIQUE INDEX receipt_one_valid ON receipt (demand_id, kind) WHERE voided_at IS NULL;
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

CREATE FUNCTION receipt_takes_last_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.number <> (SELECT last FROM receipt_series WHERE (series, year) = (NEW.series, NEW.year)) THEN
        RAISE EXCEPTION 'receipts of % are numbered one by one', NEW.series USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER receipt_takes_last_number BEFORE INSERT ON receipt
    FOR EACH ROW EXECUTE FUNCTION receipt_takes_last_number();

-- What a receipt says stays; what was published or void stays so.
CREATE FUNCTION receipt_content_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER receipt_content_is_immutable BEFORE UPDATE ON receipt
    FOR EACH ROW EXECUTE FUNCTION receipt_content_is_immutable();
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

-- ── Operation: ticks, workers, what doors write down ─────────────────────────────────────────────────────────────────

-- When each tick last ran, and which workers live: what nobody can see at the broker.
CREATE TABLE tick (
    name        text PRIMARY KEY,
    every       double precision NOT NULL,           -- seconds between two of it
    started_at  timestamptz NOT NULL,
    finished_at timestamptz                          -- when one last ran to its end
);

-- A row a worker; one that was told to stop says so, one that died does not.
CREATE TABLE worker_heartbeat (
    name       text PRIMARY KEY,                     -- as in Flower
    queues     text[] NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    stopped_at timestamptz
);

-- The one other line that the API's role may write: in the name of the department that the settlement is for.
CREATE FUNCTION write_audit_from_endpoint(about text, what text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    who text := (SELECT 'department.' || department FROM public.settlement WHERE id = about);
BEGIN
    IF who IS NULL OR what <> 'settlement_opened' THEN
        RAISE EXCEPTION 'an endpoint does not write "%" about %', what, about USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO public.audit_log (subject, actor, action) VALUES (about, who, what);
END $$;
REVOKE EXECUTE ON FUNCTION write_audit_from_endpoint FROM PUBLIC;
