-- Odd ways of money: cash that a postman collects, and a notification that comes after its statement.

-- What a postman has collected is a payment of "postal.<operator>", which calls it by the order number. It is notified
-- until the operator's remittance stands on a statement.
ALTER TABLE payment DROP CONSTRAINT payment_source_check;
ALTER TABLE payment ADD CONSTRAINT payment_source_check CHECK (source IN ('notification', 'statement', 'postman'));
ALTER TABLE payment ADD CONSTRAINT payment_of_a_postman_is_named CHECK (source <> 'postman' OR provider_txn IS NOT NULL);

-- Whether a payout's report is joined already is asked for every report.
CREATE INDEX match_group_payout ON match_group ((evidence ->> 'provider'), (evidence ->> 'report')) WHERE pass = 'P9';

-- A notification of money that a statement had shown before: it is that payment, told again. One payment is told so
-- once; whatever tells of it a second time is other money until a person says otherwise.
CREATE TABLE late_notification (
    event_id   bigint PRIMARY KEY REFERENCES notify_event (id),
    payment_id text NOT NULL UNIQUE REFERENCES payment (id),
    joined_at  timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER late_notification_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON late_notification
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
