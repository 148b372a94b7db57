-- Makes the coming months' places for evidence, drops those that ended more than "days" ago, and returns their names.
-- It runs as the owner of the tables: the roles of the hub's processes own nothing and delete nothing (deploy/postgres).
CREATE FUNCTION rotate_exchange(today date, days integer) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    month date;
    place text;
BEGIN
    IF days < 1 THEN
        RAISE EXCEPTION 'evidence is kept for a day at least' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR month IN SELECT date_trunc('month', today) + n * interval '1 month' FROM generate_series(0, 2) AS n LOOP
        place := to_char(month, '"exchange_"YYYY_MM');
        CONTINUE WHEN to_regclass('public.' || place) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE TABLE public.%I PARTITION OF public.exchange FOR VALUES FROM (%L) TO (%L)',
                           place, month, (month + interval '1 month')::date);
        EXCEPTION WHEN check_violation OR duplicate_table THEN
            -- Rows of this month stand in the default partition already, and age there; or another process made it.
            NULL;
        END;
    END LOOP;
    DELETE FROM public.exchange_other WHERE at < today - days;
    FOR place IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'public.exchange'::regclass AND c.relname ~ '^exchange_\d{4}_\d{2}$'
          AND to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= today - days
        ORDER BY c.relname
    LOOP
        EXECUTE format('DROP TABLE public.%I', place);
        RETURN NEXT place;
    END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION rotate_exchange FROM PUBLIC;

SELECT rotate_exchange(current_date, 90);
