-- Consignments: the physical items that the postal operator carries. What is inside and what the operator says of them
-- stand in tables of their own; the status is the fold of what was said, kept here so that it can be asked for.
CREATE TABLE consignment (
    id            text PRIMARY KEY,
    operator      text NOT NULL,                     -- its code in the catalogue
    direction     text NOT NULL CHECK (direction IN
                  ('citizen_to_centre', 'centre_to_department', 'department_to_centre', 'agency_to_agency',
                   'result_to_citizen')),
    service       text NOT NULL CHECK (service IN ('documents', 'result', 'both')),  -- QĐ 45/2016 Đ5
    order_number  text NOT NULL,
    item_code     text,
    item_code_ok  boolean,                           -- false: its check digit is wrong, which is a warning only
    seal_number   text,
    route_class   text NOT NULL,
    cash          bigint NOT NULL DEFAULT 0 CHECK (cash >= 0),  -- đồng to collect
    handoff_id    text REFERENCES handoff (id),      -- whose papers travel, where it is a handoff's
    transfer_id   text REFERENCES outbox (id),       -- the order
    ordering      text NOT NULL CHECK (ordering IN ('ordered', 'accepted', 'refused', 'cancelled')),
    ordering_at   timestamptz NOT NULL,              -- since when
    status        text NOT NULL CHECK (status IN
                  ('ordered', 'accepted', 'refused', 'cancelled', 'posted', 'in_transit', 'at_delivery_office',
                   'out_for_delivery', 'attempt_failed', 'damaged', 'lost', 'returning', 'returned', 'delivered')),
    status_at     timestamptz NOT NULL,
    attempts      timestamptz[] NOT NULL DEFAULT '{}',  -- of delivery, that failed
    damaged       boolean NOT NULL DEFAULT false,
    strays        integer NOT NULL DEFAULT 0,        -- what is said to have happened after its end
    reason        text,                              -- why the operator refused it, or a person cancelled it
    token_hash    bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),  -- of the callback's capability URL
    ordered_at    timestamptz NOT NULL,
    posted_on     date,                              -- J: the day on the slip, never the legal time of submission
    promised_on   date,                              -- J+n by the route class
    heard_at      timestamptz NOT NULL,              -- when the latest of what is known happened
    settled_at    timestamptz,
    updated_at    timestamptz NOT NULL DEFAULT now(),
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
    noted_at       timestamptz NOT NULL DEFAULT now(),
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
