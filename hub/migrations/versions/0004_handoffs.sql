-- Signed records of handoffs, counter-records and signed minutes.
SELECT 1;
