-- All that is joined of a day, without our own ids: which line is whose, and what counts for what. Which of several
-- lines of the same demand filled it first, and whether a notification helped, makes no difference to it.
SELECT entry FROM (
    SELECT concat_ws('|', 'line', l.line_key, l.amount, d.reference) AS entry
    FROM statement_line l JOIN match_leg first ON first.line_id = l.id AND first.confirmed AND first.number = 1
    LEFT JOIN match_leg leg ON leg.group_id = first.group_id AND leg.demand_id IS NOT NULL
    LEFT JOIN fee_demand d ON d.id = leg.demand_id
    WHERE l.account = %(account)s AND l.booking_date = %(day)s
    UNION ALL
    SELECT concat_ws('|', 'demand', d.reference, sum(leg.amount))
    FROM statement_line l JOIN match_leg first ON first.line_id = l.id AND first.confirmed AND first.number = 1
    JOIN match_leg leg ON leg.group_id = first.group_id JOIN fee_demand d ON d.id = leg.demand_id
    WHERE l.account = %(account)s AND l.booking_date = %(day)s
    GROUP BY d.reference
) AS entries ORDER BY entry COLLATE "C"
