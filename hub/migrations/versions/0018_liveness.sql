-- When each tick last ran, and which workers live: what nobody can see at the broker.
CREATE TABLE tick (
    name        text PRIMARY KEY,
    every       double precision NOT NULL,           -- seconds between two of it
    started_at  timestamptz NOT NULL,
    finished_at timestamptz                          -- when one last ran to its end
);

-- A row a worker; one that was told to stop says so, one that died does not.
CREATE TABLE worker_heartbeat (
    name       text PRIMARY KEY,                     -- as in Flower
    queues     text[] NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    stopped_at timestamptz
);
