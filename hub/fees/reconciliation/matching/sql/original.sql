-- o may be what r takes back. Part of other texts.
o.account = r.account AND o.amount = -r.amount AND NOT o.reversal AND o.booking_date <= r.booking_date AND (
    o.bank_ref IN (r.bank_ref, r.e2e) OR o.e2e = r.e2e
    OR (length(o.bank_ref) >= 6 AND position(regexp_replace(upper(o.bank_ref), '[^A-Z0-9]', '', 'g')
                                             IN replace(r.text_norm, ' ', '')) > 0))
