-- One movement under the numbers of several issuers: each provider tells of a payment once, but there may be several.
ALTER TABLE late_notification DROP CONSTRAINT late_notification_payment_id_key;
CREATE INDEX late_notification_of ON late_notification (payment_id);
