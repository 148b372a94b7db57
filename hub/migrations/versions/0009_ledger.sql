-- The Centre's book and open cases.
SELECT 1;
