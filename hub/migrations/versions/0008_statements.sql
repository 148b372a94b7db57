-- Statements as delivered and their lines.
SELECT 1;
