-- Where the money of a line stands in the book now: owed to departments, on 338 or 339. What is given back of a demand
-- stands on none of them, whoever paid it.
SELECT l.account, l.department, l.fee_code, l.demand_id, sum(l.cr - l.dr)::bigint AS net
FROM ledger_line l JOIN ledger_entry e ON e.seq = l.entry_seq
WHERE l.account IN ('331', '338', '339') AND (l.account = '331' OR l.item = %(payment)s)
    AND ((e.source_type, e.source_id) IN (('line', %(line)s::text), ('payment', %(payment)s)) OR EXISTS (
        SELECT 1 FROM ledger_line i WHERE i.entry_seq = e.seq AND i.item = %(payment)s))
    AND NOT EXISTS (SELECT 1 FROM refund r WHERE l.account = '331' AND r.source = '331' AND r.item = l.demand_id
                    AND r.state NOT IN ('requested', 'cancelled'))
GROUP BY 1, 2, 3, 4 HAVING sum(l.cr - l.dr) <> 0 ORDER BY 1, 2, 3, 4
