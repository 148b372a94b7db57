-- The roles of the hub's processes. Run by a superuser in the hub's database, once, before the first `hub db upgrade`:
--     createdb hub && psql -d hub -f roles.sql
-- Running it again changes nothing. Then give each role a way in: a password (\password hub_api), or a certificate.
--
--   hub_owner   owns the tables; migrations run as this one (hub db upgrade), nothing else does
--   hub_api     the doors: stores what comes in, reads what partners may ask
--   hub_worker  the workers, and an operator's commands (hub transfer …): everything but what is history
--   hub_reader  reports: reads all but the content of messages; cannot write
--
-- What each may do with which table stands in grants.sql, which follows every `hub db upgrade`.
-- Beat and Flower have no role: they never speak to the database.

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['hub_owner', 'hub_api', 'hub_worker', 'hub_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION', role);
        END IF;
    END LOOP;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO hub_owner, hub_api, hub_worker, hub_reader', current_database());
    -- For `hub fee prove --replay`, which handles all that came again in temporary tables.
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO hub_owner', current_database());
END $$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO hub_api, hub_worker, hub_reader;
GRANT USAGE, CREATE ON SCHEMA public TO hub_owner;
ALTER ROLE hub_reader SET default_transaction_read_only = on;
