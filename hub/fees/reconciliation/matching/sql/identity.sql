-- P2 and P3 between line and demand: one demand is named, by one line, it is open, on this account, of this amount.
WITH named AS MATERIALIZED (
    SELECT *, count(*) OVER (PARTITION BY line_id) AS of_line, count(*) OVER (PARTITION BY demand_id) AS of_demand
    FROM (@named@) AS n WHERE how IN ('va', 'strict')
), joined AS (
    UPDATE match_group g SET pass = CASE n.how WHEN 'va' THEN 'P2' ELSE 'P3' END, class = 'A', run_id = %(run)s,
        rule_version = %(rules)s, evidence = g.evidence || jsonb_build_object('how', n.how, 'shown', n.shown)
    FROM named n
    WHERE g.id = n.group_id AND n.of_line = 1 AND n.of_demand = 1 AND n.collects AND n.same_account
        AND n.outstanding = n.amount
    RETURNING g.id, n.demand_id, n.amount
)
UPDATE match_leg leg SET demand_id = joined.demand_id, amount = joined.amount
FROM joined WHERE leg.group_id = joined.id AND leg.number = 1
