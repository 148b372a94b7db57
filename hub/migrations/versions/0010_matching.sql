-- What belongs together, and why.
SELECT 1;
