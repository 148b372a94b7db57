-- How often a door has refused whom nothing proves to be a partner: all that such a caller leaves behind.
CREATE TABLE door_refusal (
    door   text NOT NULL,                            -- the counterparty whose door it is
    reason text NOT NULL,                            -- the verdict
    day    date NOT NULL,                            -- in Vietnam
    count  bigint NOT NULL DEFAULT 1 CHECK (count > 0),
    PRIMARY KEY (door, reason, day)
);
