-- P7: one line names several demands, nobody else names them, and it is what they come to together.
WITH named AS MATERIALIZED (
    SELECT *, count(*) OVER (PARTITION BY line_id) AS of_line, count(*) OVER (PARTITION BY demand_id) AS of_demand,
        sum(outstanding) OVER (PARTITION BY line_id) AS together,
        row_number() OVER (PARTITION BY line_id ORDER BY reference) AS place
    FROM (@named@) AS n WHERE how IN ('va', 'strict')
), fitting AS MATERIALIZED (
    SELECT * FROM named WHERE of_line > 1 AND together = amount AND line_id NOT IN (
        SELECT line_id FROM named WHERE NOT (collects AND same_account AND of_demand = 1 AND outstanding > 0))
), joined AS (
    UPDATE match_group g SET pass = 'P7', class = 'A', run_id = %(run)s, rule_version = %(rules)s,
        evidence = g.evidence || jsonb_build_object('how', 'strict', 'references', f.of_line)
    FROM fitting f WHERE g.id = f.group_id AND f.place = 1
), first AS (
    UPDATE match_leg leg SET demand_id = f.demand_id, amount = f.outstanding
    FROM fitting f WHERE leg.group_id = f.group_id AND leg.number = 1 AND f.place = 1
), more AS (
    INSERT INTO match_leg (group_id, number, demand_id, amount, credited, confirmed)
    SELECT group_id, place, demand_id, outstanding, false, true FROM fitting WHERE place > 1
)
SELECT 1 FROM fitting WHERE place = 1
