"""What cases are about, as an accountant knows it: dossier, payment reference, the payer's words, the amount."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hub.db import Connection

_NAMED: Final = r"""
WITH asked AS (
    SELECT c.id, c.at_risk, c.facts, c.object_type, c.object_id,
        CASE c.object_type WHEN 'payment' THEN c.object_id ELSE c.facts ->> 'payment' END AS payment,
        CASE c.object_type WHEN 'statement_line' THEN c.object_id ELSE c.facts ->> 'line' END AS line
    FROM fee_exception c WHERE c.id = ANY(%s)
)
SELECT a.id, o.raw_code AS dossier, coalesce(d.reference, p.reference, a.facts -> 'references' ->> 0) AS reference,
    coalesce(nullif(p.text, ''), l.text, e.reference_text) AS words,
    coalesce(nullif(a.at_risk, 0), abs(l.amount), p.amount, e.amount, d.amount_due, 0) AS amount
FROM asked a LEFT JOIN payment p ON p.id = a.payment
LEFT JOIN LATERAL (
    SELECT text, amount FROM statement_line WHERE id = coalesce(
        CASE WHEN a.line ~ '^\d+$' THEN a.line::bigint END,
        (SELECT t.line_id FROM match_leg t WHERE t.payment_id = p.id AND t.confirmed AND t.number = 1))
) AS l ON true
LEFT JOIN notify_event e ON a.object_type = 'notify_event' AND e.id::text = a.object_id
LEFT JOIN fee_demand d ON d.id = coalesce(
    CASE a.object_type WHEN 'fee_demand' THEN a.object_id ELSE a.facts ->> 'demand' END,
    (SELECT min(demand_id) FROM fee_credit WHERE evidence = p.id AND reversed_at IS NULL HAVING count(*) = 1),
    (SELECT id FROM fee_demand WHERE reference = coalesce(p.reference, a.facts -> 'references' ->> 0)))
LEFT JOIN dossier o ON o.id = d.dossier_id
"""


def named(conn: Connection, cases: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """Case → ``dossier``, ``reference``, ``words`` (personal; None where there are none) and ``amount``, in đồng.

    The amount is what is at risk; where that is nothing, what has moved.
    """
    return {row.pop("id"): row for row in conn.execute(_NAMED, (list(cases),)).fetchall()}
