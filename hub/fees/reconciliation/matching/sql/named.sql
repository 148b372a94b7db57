-- The same with the demands that its line names. What this run has joined to a demand already is not outstanding any
-- more; what a person has rejected does not come back. Part of other texts.
SELECT o.*, c.how, c.shown, c.errors, d.id AS demand_id, d.reference, d.status,
    d.status IN ('issued', 'part_paid', 'reopened') AS collects, d.account = o.account AS same_account,
    d.amount_due - d.waived - d.allocated - coalesce(planned.amount, 0) AS outstanding
FROM (@open@) AS o JOIN match_clue c ON c.line_id = o.line_id AND c.stands
JOIN fee_demand d ON d.reference = c.value
LEFT JOIN LATERAL (
    SELECT sum(leg.amount)::bigint AS amount FROM match_leg leg
    WHERE leg.demand_id = d.id AND leg.confirmed AND NOT leg.credited
) AS planned ON true
WHERE o.conflict IS NULL AND NOT EXISTS (
    SELECT 1 FROM match_leg t JOIN match_group g ON g.id = t.group_id
    WHERE t.demand_id = d.id AND t.line_id = o.line_id AND g.state IN ('rejected', 'revoked'))
