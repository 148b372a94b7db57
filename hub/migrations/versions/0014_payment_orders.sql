-- What we pay out: refunds and remittances.
SELECT 1;
