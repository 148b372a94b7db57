-- P4: as P3, and the amount differs. What came counts as far as it is due; there is no tolerance, the rest is a case.
WITH named AS MATERIALIZED (
    SELECT *, count(*) OVER (PARTITION BY line_id) AS of_line, count(*) OVER (PARTITION BY demand_id) AS of_demand
    FROM (@named@) AS n WHERE how IN ('va', 'strict')
), joined AS (
    UPDATE match_group g SET pass = 'P4', class = 'B', run_id = %(run)s, rule_version = %(rules)s,
        evidence = g.evidence || jsonb_build_object('how', n.how, 'shown', n.shown, 'outstanding', n.outstanding)
    FROM named n
    WHERE g.id = n.group_id AND n.of_line = 1 AND n.of_demand = 1 AND n.collects AND n.same_account
        AND n.outstanding > 0
    RETURNING g.id, n.demand_id, least(n.amount, n.outstanding) AS amount
)
UPDATE match_leg leg SET demand_id = joined.demand_id, amount = joined.amount
FROM joined WHERE leg.group_id = joined.id AND leg.number = 1
