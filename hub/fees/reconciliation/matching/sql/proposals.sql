-- P5 and P6 where they do not confirm themselves, and P11: for what is still nobody's, at most five proposals a line,
-- with their reasons. They never confirm themselves: class B by one person, class C by two.
WITH ranked AS (
    SELECT n.*, n.collects AND n.outstanding = n.amount AS equal, row_number() OVER (
        PARTITION BY n.line_id ORDER BY array_position(ARRAY['va', 'strict', 'repaired', 'unprefixed', 'dossier', 'near'],
            n.how), (n.collects AND n.outstanding = n.amount) DESC,
            (n.collects AND n.outstanding > 0) DESC, n.errors, n.reference) AS place,
        count(*) OVER (PARTITION BY n.line_id, n.how, n.collects AND n.outstanding = n.amount) AS alike
    FROM (@named@) AS n
    WHERE n.same_account AND (n.collects OR n.how IN ('repaired', 'unprefixed')) AND NOT EXISTS (
        SELECT 1 FROM match_leg t JOIN match_group g ON g.id = t.group_id
        WHERE t.line_id = n.line_id AND g.state = 'proposed')
), made AS MATERIALIZED (
    SELECT r.*, nextval('match_group_id') AS proposal FROM (
        SELECT * FROM ranked WHERE place <= 5 ORDER BY booking_date, line_key, place) AS r
), grouped AS (
    INSERT INTO match_group (id, run_id, pass, class, rule_version, state, evidence)
    SELECT proposal, %(run)s,
        CASE WHEN how IN ('repaired', 'unprefixed') THEN 'P5' WHEN how = 'dossier' THEN 'P6'
             WHEN how = 'near' THEN 'P11' ELSE 'P7' END,
        CASE WHEN equal AND alike = 1 AND how <> 'near' THEN 'B' ELSE 'C' END, %(rules)s, 'proposed',
        jsonb_build_object('how', how, 'shown', shown, 'read', reference, 'errors', errors, 'place', place,
            'equal_amount', equal, 'outstanding', outstanding)
    FROM made
)
INSERT INTO match_leg (group_id, number, line_id, payment_id, demand_id, amount, credited, confirmed)
SELECT proposal, 1, line_id, payment_id, demand_id, CASE WHEN collects THEN greatest(0, least(amount, outstanding)) ELSE 0 END,
    false, false FROM made
