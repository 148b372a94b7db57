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

-- "A provider or a statement says that money came in." Its facts never change; what became of it does.
CREATE TABLE payment (
    id            text PRIMARY KEY,
    source        text NOT NULL CHECK (source IN ('notification', 'statement')),
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
    CHECK (source <> 'notification' OR provider_txn IS NOT NULL)
);
CREATE UNIQUE INDEX payment_said ON payment (provider, provider_txn) WHERE provider_txn IS NOT NULL;
CREATE UNIQUE INDEX payment_booked ON payment (account, bank_ref) WHERE bank_ref IS NOT NULL;
CREATE INDEX payment_reference ON payment (reference) WHERE reference IS NOT NULL;
CREATE INDEX payment_day ON payment (account, business_date);
CREATE INDEX payment_unconfirmed ON payment (business_date) WHERE status = 'notified';
