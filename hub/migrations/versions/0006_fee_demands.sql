-- What is demanded and what became of it.
SELECT 1;
