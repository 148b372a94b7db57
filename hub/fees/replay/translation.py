"""Translation of the hub's ids into those of the replayed rows, by their natural keys.

Demands, orders, refunds, chargebacks and settlements keep their ids; payments, lines, matches and exceptions get
others. pg_temp is searched first here: ``public.`` is the hub's own table.
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
_EXCEPTION: Final = """
SELECT id AS found FROM fee_exception
WHERE (code, object_type, object_id) = (%(code)s, %(object_type)s, %(object_id)s) AND (state = 'resolved') = %(over)s
ORDER BY resolved_at DESC, id DESC LIMIT 1
"""
_EXCEPTION_ROW: Final = """
SELECT id, code, severity, at_risk, object_type, object_id, due_on, facts FROM public.fee_exception WHERE id = %s
"""
_AS_OPENED: Final = """
INSERT INTO fee_exception (id, code, severity, at_risk, object_type, object_id, state, due_on, facts)
VALUES (%(id)s, %(code)s, %(severity)s, %(at_risk)s, %(object_type)s, %(object_id)s, 'open', %(due_on)s, %(facts)s)
"""


def payment(conn: Connection, name: str) -> str:
    """The replayed payment. Raises LookupError where it was not replayed, as all of these functions do."""
    return str(_translated(conn, _PAYMENT, name))


def line(conn: Connection, name: str) -> str:
    return str(_translated(conn, _LINE, int(name)))


def match(conn: Connection, name: str) -> int:
    """The replayed match of the same line and demand that is proposed or confirmed."""
    return int(_translated(conn, _MATCH, int(name)))


def item(conn: Connection, name: str) -> str:
    """The replayed item of an account for open items: a payment, a line, or what keeps its id."""
    if name.startswith("pm_"):
        return payment(conn, name)
    return line(conn, name) if name.isdecimal() else name


def exception(conn: Connection, name: str, *, over: bool = False) -> str:
    """The replayed exception of the same code about the same object, open or ``over``.

    One whose cause is not replayed (a dossier that ended, a bank's answer) is copied as it was opened.
    """
    row = one(conn, _EXCEPTION_ROW, (name,))
    about = row["object_id"]
    if row["object_type"] in ("payment", "statement_line"):
        about = item(conn, about)
    asked = {"code": row["code"], "object_type": row["object_type"], "object_id": about, "over": over}
    copy = conn.execute(_EXCEPTION, asked).fetchone()
    if copy is None and not over:
        conn.execute(_AS_OPENED, {**row, "object_id": about, "facts": Jsonb(_facts(conn, row["facts"]))})
        return name
    if copy is None:
        raise LookupError(f"no exception {row['code']} of it is over")
    return str(copy["found"])


def details(conn: Connection, recorded: Mapping[str, str]) -> dict[str, str]:
    """The details of a resolution, with replayed ids."""
    known: Mapping[str, Callable[[Connection, str], str | int]] = {"payment": payment, "line": line, "match": match}
    return {name: str(known[name](conn, value)) if name in known else value for name, value in recorded.items()}


def _facts(conn: Connection, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: item(conn, str(value)) if name in ("payment", "line") and value else value
            for name, value in facts.items()}  # fmt: skip


def _translated(conn: Connection, query: str, name: str | int) -> Any:
    row = conn.execute(query, (name,)).fetchone()
    if row is None:
        raise LookupError(f"{name} has not been made anew")
    return row["found"]
