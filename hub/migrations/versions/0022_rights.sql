-- How long what is kept: written by the owner (hub db upgrade, from HUB_EVIDENCE_DAYS), read by what lets it age.
CREATE TABLE retention (
    subject text PRIMARY KEY,
    days    integer NOT NULL CHECK (days >= 1)
);
INSERT INTO retention (subject, days) VALUES ('exchange', 90);

-- As before (0002), by the server's own day and by what the owner has said: whoever may call it chooses neither.
DROP FUNCTION rotate_exchange(date, integer);
CREATE FUNCTION rotate_exchange() RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    today constant date := clock_timestamp()::date;
    oldest constant date := today - (SELECT days FROM public.retention WHERE subject = 'exchange');
    month date;
    place text;
BEGIN
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
    DELETE FROM public.exchange_other WHERE at < oldest;
    FOR place IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'public.exchange'::regclass AND c.relname ~ '^exchange_\d{4}_\d{2}$'
          AND to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= oldest
        ORDER BY c.relname
    LOOP
        EXECUTE format('DROP TABLE public.%I', place);
        RETURN NEXT place;
    END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION rotate_exchange FROM PUBLIC;

-- That a message came is written by the database, in its source's name: the doors' role writes no line of the journal.
-- A process of the release before writes the line itself, in the same statement, and it stays one.
CREATE FUNCTION note_received() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO public.journal (subject, actor, verb, after)
    SELECT NEW.id, NEW.source, 'received', 'received'
    WHERE NOT EXISTS (SELECT 1 FROM public.journal WHERE subject = NEW.id AND verb = 'received');
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION note_received FROM PUBLIC;
CREATE TRIGGER inbox_is_noted AFTER INSERT ON inbox FOR EACH ROW EXECUTE FUNCTION note_received();

-- The two other things that a door writes down, each in the name of whom it is about.
CREATE FUNCTION note_at_door(about text, what text, why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    who text := CASE what
        WHEN 'opened' THEN (SELECT 'department.' || department FROM public.settlement WHERE id = about)
        WHEN 'event conflict' THEN (SELECT 'postal.' || operator FROM public.consignment WHERE id = about) END;
BEGIN
    IF who IS NULL THEN
        RAISE EXCEPTION 'a door does not write "%" about %', what, about USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO public.journal (subject, actor, verb, reason) VALUES (about, who, what, why);
END $$;
REVOKE EXECUTE ON FUNCTION note_at_door FROM PUBLIC;
