"""P10: the bank takes a credit back. What it had paid is open again, wherever the money stands by now."""

from collections.abc import Mapping
from typing import Any, Final

from psycopg.types.json import Jsonb

from hub.fees import exceptions
from hub.fees.demands import demand_commands, demand_store
from hub.fees.demands.model import DemandStatusCode
from hub.fees.exceptions.opening import LINE
from hub.fees.ledger import LedgerEntry, postings
from hub.fees.payments import payment_store
from hub.fees.reconciliation.matching import passes
from hub.fees.reconciliation.matching.effects import TAKEN_BACK, MatchRun, close
from hub.fees.reconciliation.matching.passes import RULES
from hub.fees.reconciliation.matching.standing import PaymentPosition, standing

_ORIGINAL: Final = """
SELECT g.id AS group_id, g.pass, l.line_key, p.id AS payment_id, p.status, p.amount FROM match_leg leg
JOIN match_group g ON g.id = leg.group_id JOIN statement_line l ON l.id = leg.line_id
JOIN payment p ON p.id = leg.payment_id
WHERE leg.line_id = %s AND leg.confirmed AND leg.number = 1 FOR UPDATE OF p
"""

_JOIN: Final = """
WITH revoked AS (
    UPDATE match_group SET state = 'revoked', reason = %(reason)s WHERE id = %(original)s
), grouped AS (
    INSERT INTO match_group (run_id, pass, class, rule_version, state, evidence)
    VALUES (%(run)s, 'P10', 'A', %(rules)s, 'confirmed', %(evidence)s) RETURNING id
)
INSERT INTO match_leg (group_id, number, line_id, demand_id, amount, credited, confirmed)
SELECT id, 1, %(line)s, %(demand)s, 0, true, true FROM grouped
"""


def reverse(doing: MatchRun) -> None:
    """Every reversal of the day; what has no original, or one that has gone on, is a case (V01, V02)."""
    for row in passes.rows(doing.uow.conn, "p10_reversals", doing.scope):
        why = _reverse(doing, row)
        if why:
            _orphan(doing, row, why)


def _reverse(doing: MatchRun, row: Mapping[str, Any]) -> str | None:
    """Do it, or say why not."""
    if len(row["originals"]) != 1:
        return "several lines may be meant" if row["originals"] else "no line has this number and amount"
    [line] = row["originals"]
    original = doing.uow.conn.execute(_ORIGINAL, (line,)).fetchone()
    if original is None:
        return "the original was paid out for several payments"
    credited = sorted(payment_store.paid_for(doing.uow.conn, original["payment_id"]))
    locked = [demand_store.lock(doing.uow.conn, demand) for demand in credited]
    stands = standing(doing.uow.conn, original["payment_id"], line)
    if not stands.is_all(-row["amount"]):
        return "part of it has gone elsewhere since"
    is_settled = any(demand.status == DemandStatusCode.SETTLED for demand in locked)
    doing.entries.append(_entry(doing, row, original["payment_id"], None if is_settled else stands))
    for demand in credited:
        doing.events += demand_commands.reverse(doing.uow, demand, original["payment_id"], by=f"line {row['line_id']}")
    payment_store.end(doing.uow.conn, original["payment_id"], "reversed")
    doing.uow.note(original["payment_id"], "reversed", before=original["status"], reason=f"line {row['line_id']}")
    _write(doing, row, line, original, credited[0] if credited else None)
    close(doing, original["payment_id"], TAKEN_BACK, "P10")
    if is_settled:
        doing.case(
            "V02", "payment", original["payment_id"], -row["amount"], {**row, "payment_id": original["payment_id"]}
        )
    doing.counters["P10"] += 1
    return None


def _entry(doing: MatchRun, row: Mapping[str, Any], payment: str, stands: PaymentPosition | None) -> LedgerEntry:
    """Out of where it ``stands``; None: its department has it, and has to give it back."""
    if stands is None:
        return postings.chargeback_after_transfer(doing.origin(row), payment, -row["amount"])
    return postings.reversal(doing.origin(row), stands.owed, payment, stands.over, stands.unidentified)


def _write(doing: MatchRun, row: Mapping[str, Any], line: int, original: Mapping[str, Any], demand: str | None) -> None:
    said = {
        "run": doing.scope.run,
        "rules": RULES,
        "original": original["group_id"],
        "reason": "taken back by the bank",
        "evidence": Jsonb({"how": "bank_ref", "takes_back": original["line_key"], "payment": original["payment_id"]}),
        "line": row["line_id"],
        "demand": demand,
    }
    doing.uow.conn.execute(_JOIN, said)
    doing.uow.conn.execute("UPDATE statement_line SET state = 'reversed' WHERE id = %s", (line,))
    doing.states[row["line_id"]] = "matched"


def _orphan(doing: MatchRun, row: Mapping[str, Any], why: str) -> None:
    """The money has left; until somebody knows whose it was, it is to be got back (341)."""
    name = str(row["line_id"])
    doing.entries.append(postings.chargeback_after_transfer(doing.origin(row), name, -row["amount"]))
    doing.states[row["line_id"]] = "in_exception"
    facts = {"line": name, "account": doing.scope.account, "why": why, "candidates": row["originals"]}
    exceptions.open_case(doing.uow, "V01", LINE, name, -row["amount"], facts)
    doing.counters["V01"] += 1
