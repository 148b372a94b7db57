"""The second engine on matches: which line names which demand, found again by DuckDB from the lines and the demands.

Of the lines' texts only what has the form of a reference leaves the database.
"""

from typing import Any, Final, LiteralString

from hub.fees.proof.findings import Offender

NAME: Final = "the second engine finds the same demands in the lines"

TOKENS: Final[LiteralString] = (
    "SELECT l.id AS line_id, l.account, found.token[1] AS token FROM statement_line l"
    " CROSS JOIN LATERAL regexp_matches(replace(l.text_norm, ' ', ''), '[A-Z]{2}[0-9]{12}', 'g') AS found (token)"
    " WHERE l.status = 'BOOK' AND l.amount > 0 AND NOT l.reversal AND l.state NOT IN ('new', 'vanished', 'not_fee')"
)
DEMANDS: Final[LiteralString] = "SELECT id AS demand_id, reference, account FROM fee_demand"
MATCHES: Final[LiteralString] = (
    "SELECT leg.line_id, leg.demand_id, g.pass FROM match_leg leg JOIN match_group g ON g.id = leg.group_id"
    " JOIN payment p ON p.id = leg.payment_id"
    " WHERE leg.confirmed AND leg.demand_id IS NOT NULL AND g.pass IN ('P3', 'P4', 'P8')"
    " AND (p.source = 'statement' OR g.evidence ? 'between')"
)
NOBODYS: Final[LiteralString] = (
    "SELECT DISTINCT facts ->> 'line' AS line_id FROM fee_exception"
    " WHERE code = 'R01' AND state <> 'resolved' AND facts ? 'line'"
)
"""Lines of which a case says that no demand is named"""

_DIFFERENCES: Final = """
WITH named AS (  -- ISO 7064 MOD 97-10, letters read as 10 to 35
    SELECT DISTINCT t.line_id, d.demand_id FROM token t JOIN demand d ON d.reference = t.token AND d.account = t.account
    WHERE CAST((ascii(t.token) - 55) || (ascii(t.token[2:2]) - 55)::VARCHAR || t.token[3:] AS HUGEINT) % 97 = 1
)
SELECT 'line ' || m.line_id, 'khớp theo ' || m.pass || ' với ' || m.demand_id || ', nội dung không ghi mã này'
FROM match m WHERE NOT EXISTS (SELECT 1 FROM named n WHERE (n.line_id, n.demand_id) = (m.line_id, m.demand_id))
UNION ALL
SELECT 'line ' || n.line_id, 'bị coi là chưa rõ của ai; nội dung ghi mã của ' || n.demand_id
FROM named n JOIN nobodys b ON b.line_id = n.line_id
ORDER BY ALL
"""


def differences(other: Any) -> list[Offender]:
    """Where the two disagree; ``other`` is DuckDB with the tables token, demand, match and nobodys."""
    return [Offender(what, how) for what, how in other.execute(_DIFFERENCES).fetchall()]
