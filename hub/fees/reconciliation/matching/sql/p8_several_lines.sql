-- P8: several lines name one demand, or it takes nothing any more. It is filled in the order of booking; what it does
-- not take is a case.
WITH named AS MATERIALIZED (
    SELECT *, count(*) OVER (PARTITION BY line_id) AS of_line
    FROM (@named@) AS n WHERE how IN ('va', 'strict')
), filled AS MATERIALIZED (
    SELECT group_id, demand_id, how, shown, amount AS came, CASE WHEN collects THEN greatest(0, least(amount,
        outstanding - coalesce(sum(amount) OVER (PARTITION BY demand_id ORDER BY booking_date, line_key
                                                 ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)))
        ELSE 0 END::bigint AS amount
    FROM named WHERE of_line = 1 AND same_account
), joined AS (
    UPDATE match_group g SET pass = 'P8', class = CASE WHEN f.came = f.amount THEN 'A' ELSE 'B' END, run_id = %(run)s,
        rule_version = %(rules)s, evidence = g.evidence || jsonb_build_object('how', f.how, 'shown', f.shown)
    FROM filled f WHERE g.id = f.group_id
    RETURNING g.id, f.demand_id, f.amount
)
UPDATE match_leg leg SET demand_id = joined.demand_id, amount = joined.amount
FROM joined WHERE leg.group_id = joined.id AND leg.number = 1
