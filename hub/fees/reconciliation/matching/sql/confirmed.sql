-- The statement shows what was notified.
UPDATE payment SET status = 'confirmed', updated_at = now() FROM match_leg leg JOIN match_group g ON g.id = leg.group_id
WHERE payment.id = leg.payment_id AND leg.confirmed AND g.run_id = %(run)s
    AND payment.status IN ('notified', 'unconfirmed_overdue')
