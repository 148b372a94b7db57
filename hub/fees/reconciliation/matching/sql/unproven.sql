-- A payment whose success was not signed was credited to nobody; its reference is evidence now that its line is here.
INSERT INTO match_clue (line_id, value, how, shown, version)
SELECT o.line_id, p.reference, 'strict', p.reference, %(texts)s
FROM (@open@) AS o JOIN match_group g ON g.id = o.group_id JOIN payment p ON p.id = o.payment_id
WHERE g.run_id = %(run)s AND g.pass = 'P1' AND p.reference IS NOT NULL
ON CONFLICT (line_id, value) DO UPDATE SET how = 'strict', shown = excluded.shown, errors = 0, stands = true, version = excluded.version
