"""P10: the bank takes a credit back. What it had paid is open again, wherever the money stands by now."""

from collections.abc import Mapping
from typing import Any, Final

from hub.audit import AuditAction
from hub.fees import exceptions
from hub.fees.demands import demand_commands, demand_store
from hub.fees.demands.model import DemandStatusCode
from hub.fees.exceptions.store import LINE
from hub.fees.ledger import LedgerEntry, postings
from hub.fees.ledger.normalise import normalise
from hub.fees.payments import payment_store
from hub.fees.payouts.chargebacks import commands
from hub.fees.payouts.chargebacks.commands import Chargeback, ChargebackState
from hub.fees.reconciliation.matching import match_store, passes
from hub.fees.reconciliation.matching.effects import TAKEN_BACK, MatchRun, close
from hub.fees.reconciliation.matching.match_store import MatchLeg
from hub.fees.reconciliation.matching.payment_position import PaymentPosition, standing
from hub.fees.reconciliation.statements import lines

_ORIGINAL: Final = """
SELECT g.id AS group_id, g.pass, l.line_key, p.id AS payment_id, p.status, p.amount FROM match_leg leg
JOIN match_group g ON g.id = leg.group_id JOIN statement_line l ON l.id = leg.line_id
JOIN payment p ON p.id = leg.payment_id
WHERE leg.line_id = %s AND leg.confirmed AND leg.number = 1 FOR UPDATE OF p
"""


def reverse(doing: MatchRun) -> None:
    """Every reversal of the day; what has no original, or one that has gone on, is an exception (V01, V02)."""
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
    doing.uow.write_audit(
        original["payment_id"], AuditAction.PAYMENT_REVERSED, before=original["status"], reason=f"line {row['line_id']}"
    )
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
    conn = doing.uow.conn
    match_store.end(conn, original["group_id"], "revoked", "taken back by the bank")
    evidence = {"how": "bank_ref", "takes_back": original["line_key"], "payment": original["payment_id"]}
    match_store.add(conn, doing.scope.run, "P10", "A", [MatchLeg(line=row["line_id"], demand=demand)], evidence)
    lines.settle(conn, {line: "reversed"})
    doing.states[row["line_id"]] = "matched"


def _orphan(doing: MatchRun, row: Mapping[str, Any], why: str) -> None:
    """The money has left; until somebody knows whose it was, it is to be got back (341)."""
    name = str(row["line_id"])
    doing.entries.append(postings.chargeback_after_transfer(doing.origin(row), name, -row["amount"]))
    doing.states[row["line_id"]] = "in_exception"
    facts = {"line": name, "account": doing.scope.account, "why": why, "candidates": row["originals"]}
    exceptions.open_exception(doing.uow, "V01", LINE, name, -row["amount"], facts)
    doing.counters["V01"] += 1


# A debit that names a provider's chargeback takes what its payment had paid, whatever was argued before.
#
# Where the department has the money already, it is to be got back from it (341, V02); else all of it is open again.

_DEBITS: Final = """
SELECT id AS line_id, booking_date, amount, concat_ws(' / ', nullif(text, ''), e2e) AS said, NULL AS payment_id
FROM statement_line
WHERE account = %(account)s AND booking_date = %(day)s AND status = 'BOOK' AND state = 'new' AND amount < 0
    AND NOT reversal
ORDER BY booking_date, line_key
"""
_SHOWN_BY: Final = """
SELECT line_id FROM match_leg WHERE payment_id = %s AND confirmed AND number = 1 AND line_id IS NOT NULL
"""


def settle(doing: MatchRun) -> None:
    """Every debit of the day that is the amount of a chargeback and names it."""
    awaited = commands.awaited(doing.uow.conn, doing.scope.account)
    if not awaited:
        return
    for row in doing.uow.conn.execute(_DEBITS, doing.scope.parameters).fetchall():
        said = normalise(row["said"]).squeezed
        named = [one for one in awaited if one.provider_case in said and one.amount == -row["amount"]]
        if len(named) == 1:
            awaited.remove(named[0])
            _lose(doing, row, named[0])


def _lose(doing: MatchRun, row: Mapping[str, Any], found: Chargeback) -> None:
    uow, line = doing.uow, row["line_id"]
    credited = payment_store.paid_for(uow.conn, found.payment_id)
    locked = [demand_store.lock(uow.conn, demand) for demand in credited]
    shown = uow.conn.execute(_SHOWN_BY, (found.payment_id,)).fetchone()
    stands = standing(uow.conn, found.payment_id, shown["line_id"] if shown else None)
    if not stands.is_all(found.amount):
        _charged_back_orphan(doing, row, found)
    else:
        is_settled = any(demand.status == DemandStatusCode.SETTLED for demand in locked)
        doing.entries.append(_charged_back_entry(doing, row, found, None if is_settled else stands))
        for demand in credited:
            doing.events += demand_commands.reverse(uow, demand, found.payment_id, by=found.id)
        payment_store.end(uow.conn, found.payment_id, "charged_back")
        uow.write_audit(found.payment_id, AuditAction.PAYMENT_CHARGED_BACK, after="charged_back", reason=found.id)
        close(doing, found.payment_id, TAKEN_BACK, "chargeback")
        if is_settled:
            doing.case("V02", "payment", found.payment_id, found.amount, {**row, "payment_id": found.payment_id})
        doing.states[line] = "matched"
    evidence = {"how": "chargeback", "chargeback": found.id, "payment": found.payment_id}
    match_store.add(uow.conn, doing.scope.run, "P10", "A", [MatchLeg(line=line)], evidence)
    commands.move(uow.conn, found, ChargebackState.LOST, at=uow.now, line=line)
    uow.write_audit(
        found.id, AuditAction.CHARGEBACK_DEBITED, before=found.state, after=ChargebackState.LOST, reason=f"line {line}"
    )
    commands.close(uow, found, "lost")
    doing.counters["P10"] += 1


def _charged_back_orphan(doing: MatchRun, row: Mapping[str, Any], found: Chargeback) -> None:
    """The money has gone elsewhere since (it was given back, say): until somebody knows, it is to be got back."""
    name = str(row["line_id"])
    doing.entries.append(postings.chargeback_after_transfer(doing.origin(row), name, found.amount))
    doing.states[row["line_id"]] = "in_exception"
    facts = {"line": name, "chargeback": found.id, "of": found.payment_id, "why": "part of it has gone elsewhere since"}
    exceptions.open_exception(doing.uow, "V01", LINE, name, found.amount, facts)
    doing.counters["V01"] += 1


def _charged_back_entry(
    doing: MatchRun, row: Mapping[str, Any], found: Chargeback, stands: PaymentPosition | None
) -> LedgerEntry:
    """Out of where it ``stands``; None: its department has it, and has to give it back."""
    if stands is None:
        return postings.chargeback_after_transfer(doing.origin(row), found.payment_id, found.amount)
    if stands.over or stands.unidentified:
        origin = doing.origin(row)
        return postings.reversal(origin, stands.owed, found.payment_id, stands.over, stands.unidentified)
    return postings.chargeback(doing.origin(row), stands.owed)
