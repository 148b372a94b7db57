-- Proposals are worked out anew by every run, unless a first person has confirmed one.
UPDATE match_group SET state = 'superseded' WHERE state = 'proposed' AND maker IS NULL AND id IN (
    SELECT leg.group_id FROM match_leg leg JOIN statement_line l ON l.id = leg.line_id
    WHERE NOT leg.confirmed AND l.account = %(account)s AND l.booking_date = %(day)s)
