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
    case_ids     text[] NOT NULL DEFAULT '{}',       -- the cases that were over when it was approved
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
        SELECT coalesce(sum(l.cr - l.dr), 0) INTO stands FROM journal_line l
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

-- A debit that is an order of ours joins itself to it, and so does what comes back of one.
ALTER TABLE match_group DROP CONSTRAINT match_group_pass_check;
ALTER TABLE match_group ADD CONSTRAINT match_group_pass_check CHECK (pass IN
    ('P0', 'P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8', 'P9', 'P10', 'P11', 'PO'));

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
