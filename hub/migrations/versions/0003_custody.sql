-- The custody log, its checkpoints and what they stand on.
SELECT 1;
