-- What banks and gateways notified, and payments.
SELECT 1;
