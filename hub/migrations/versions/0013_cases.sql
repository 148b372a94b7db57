-- What persons do about exceptions.
SELECT 1;
