"""What the hub calls by an id of its own, in the tables that the replay makes anew: found by what others call it.

Demands, orders, refunds, chargebacks and tables of settlements keep their ids there; payments, lines, matches and
exceptions have others. Asked while pg_temp is searched first: ``public.`` is the hub.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from psycopg.types.json import Jsonb

from hub.db import Connection, one

_PAYMENT: Final = """
SELECT p.id AS found FROM payment p JOIN public.payment h USING (provider, provider_txn) WHERE h.id = %s
"""
_LINE: Final = """
SELECT l.id AS found FROM statement_line l JOIN public.statement_line h USING (account, line_key) WHERE h.id = %s
"""
_MATCH: Final = """
SELECT g.id AS found FROM match_group g JOIN match_leg t ON t.group_id = g.id AND t.number = 1
JOIN statement_line l ON l.id = t.line_id
JOIN public.statement_line hl USING (account, line_key)
JOIN public.match_leg ht ON ht.line_id = hl.id AND ht.number = 1 AND ht.demand_id IS NOT DISTINCT FROM t.demand_id
JOIN public.match_group h ON h.id = ht.group_id AND h.pass = g.pass
WHERE h.id = %s AND g.state IN ('proposed', 'confirmed') ORDER BY g.id DESC LIMIT 1
"""
_CASE: Final = """
SELECT id AS found FROM fee_exception
WHERE (code, object_type, object_id) = (%(code)s, %(object_type)s, %(object_id)s) AND (state = 'resolved') = %(over)s
ORDER BY resolved_at DESC, id DESC LIMIT 1
"""
_CASE_ROW: Final = """
SELECT id, code, severity, at_risk, object_type, object_id, due_on, facts FROM public.fee_exception WHERE id = %s
"""
_AS_OPENED: Final = """
INSERT INTO fee_exception (id, code, severity, at_risk, object_type, object_id, state, due_on, facts)
VALUES (%(id)s, %(code)s, %(severity)s, %(at_risk)s, %(object_type)s, %(object_id)s, 'open', %(due_on)s, %(facts)s)
"""


def payment(conn: Connection, name: str) -> str:
    """Raises LookupError, as all of them: it has not been made anew."""
    return str(_found(conn, _PAYMENT, name))


def line(conn: Connection, name: str) -> str:
    return str(_found(conn, _LINE, int(name)))


def match(conn: Connection, name: str) -> int:
    """The match of the same line and demand that is proposed, or stands."""
    return int(_found(conn, _MATCH, int(name)))


def item(conn: Connection, name: str) -> str:
    """What stands on an account for open items: a payment, a line, or what keeps its id."""
    if name.startswith("pm_"):
        return payment(conn, name)
    return line(conn, name) if name.isdecimal() else name


def case(conn: Connection, name: str, *, over: bool = False) -> str:
    """The exception of the same code about the same thing, open or ``over``.

    One that was opened by what is not handled again (a dossier that ended, a bank's answer) is opened as it was.
    """
    row = one(conn, _CASE_ROW, (name,))
    about = row["object_id"]
    if row["object_type"] in ("payment", "statement_line"):
        about = item(conn, about)
    asked = {"code": row["code"], "object_type": row["object_type"], "object_id": about, "over": over}
    found = conn.execute(_CASE, asked).fetchone()
    if found is None and not over:
        conn.execute(_AS_OPENED, {**row, "object_id": about, "facts": Jsonb(_facts(conn, row["facts"]))})
        return name
    if found is None:
        raise LookupError(f"no case {row['code']} of it is over")
    return str(found["found"])


def details(conn: Connection, said: Mapping[str, str]) -> dict[str, str]:
    """What a resolution was told."""
    known: Mapping[str, Callable[[Connection, str], str | int]] = {"payment": payment, "line": line, "match": match}
    return {name: str(known[name](conn, value)) if name in known else value for name, value in said.items()}


def _facts(conn: Connection, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: item(conn, str(value)) if name in ("payment", "line") and value else value
            for name, value in facts.items()}  # fmt: skip


def _found(conn: Connection, query: str, name: str | int) -> Any:
    row = conn.execute(query, (name,)).fetchone()
    if row is None:
        raise LookupError(f"{name} has not been made anew")
    return row["found"]
