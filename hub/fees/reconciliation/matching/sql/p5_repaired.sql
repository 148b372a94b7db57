-- P5: a reference that had to be repaired, and nothing surer. By itself only where a single one exists at all, for one
-- line, and that one is open, on this account, of this amount. Anything else is a proposal.
WITH named AS MATERIALIZED (
    SELECT *, count(*) OVER (PARTITION BY line_id) AS of_line, count(*) OVER (PARTITION BY demand_id) AS of_demand
    FROM (@named@) AS n WHERE how IN ('repaired', 'unprefixed')
        AND NOT EXISTS (SELECT 1 FROM (@named@) AS s WHERE s.line_id = n.line_id AND s.how IN ('va', 'strict'))
), joined AS (
    UPDATE match_group g SET pass = 'P5', class = 'A', run_id = %(run)s, rule_version = %(rules)s,
        evidence = g.evidence || jsonb_build_object('how', n.how, 'shown', n.shown, 'read', n.reference)
    FROM named n
    WHERE g.id = n.group_id AND n.of_line = 1 AND n.of_demand = 1 AND n.collects AND n.same_account
        AND n.outstanding = n.amount
    RETURNING g.id, n.demand_id, n.amount
)
UPDATE match_leg leg SET demand_id = joined.demand_id, amount = joined.amount
FROM joined WHERE leg.group_id = joined.id AND leg.number = 1
