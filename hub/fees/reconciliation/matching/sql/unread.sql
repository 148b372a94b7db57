-- Lines of which nobody knows whose they are, and in which no reference of ours was found.
SELECT o.line_id AS id, concat_ws(' / ', nullif(l.text, ''), l.e2e, nullif(p.text, '')) AS said
FROM (@open@) AS o JOIN statement_line l ON l.id = o.line_id JOIN payment p ON p.id = o.payment_id
WHERE o.conflict IS NULL AND NOT EXISTS (
    SELECT 1 FROM match_clue c JOIN fee_demand d ON d.reference = c.value
    WHERE c.line_id = o.line_id AND c.stands AND c.how <> 'dossier')
ORDER BY o.line_key
