-- The Centre's codes are reserved for submissions before these are handled, in a short transaction: the counter of a
-- day would otherwise be locked by whoever handles a batch, with all its signatures. A submission that is handled again
-- finds its reservation, so that no code is left out.
CREATE TABLE reserved_code (
    submission_id text PRIMARY KEY,
    agency        text NOT NULL,
    day           date NOT NULL,
    serial        integer NOT NULL,
    UNIQUE (agency, day, serial)
);

-- A payout report may have more items than a smallint counts.
ALTER TABLE match_leg ALTER COLUMN number TYPE integer;
