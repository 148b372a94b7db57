"""P10: the bank takes a credit back. What it had paid is open again, wherever the money stands by now."""

from collections.abc import Mapping
from typing import Any, Final

from hub.audit import AuditAction
from hub.fees import exceptions, payments
from hub.fees.demands import demand_commands, demand_store
from hub.fees.demands.model import DemandStatusCode
from hub.fees.exceptions.store import LINE
from hub.fees.ledger import LedgerEntry, postings
from hub.fees.ledger.normalise import normalise
from hub.fees.payouts import chargebacks
from hub.fees.payouts.chargebacks import Chargeback, ChargebackState
from hub.fees.reconciliation.matching import match_store, passes
from hub.fees.reconciliation.matching.effects import TAKEN_BACK, MatchRun, PaymentPosition, close, standing
from hub.fees.reconciliation.matching.match_store import MatchLeg
from hub.fees.reconciliation.statements import lines

_ORIGINAL: Final = """
SELECT g.id AS group_id, g.pass, l.line_key, p.id AS payment_id, p.status, p.amount FROM match_leg leg
JOIN match_group g ON g.id = leg.group_id JOIN statement_line l ON l.id = leg.line_id
JOIN payment p ON p.id = leg.payment_id
WHERE leg.line_id = %s AND leg.confirmed AND leg.number = 1 FOR UPDATE OF p
"""


def reverse(match_run: MatchRun) -> None:
    """Every reversal of the day; what has no original, or one that has gone on, is an exception (V01, V02)."""
    for row in passes.rows(match_run.uow.conn, "p10_reversals", match_run.scope):
        why = _reverse(match_run, row)
        if why:
            _orphan(match_run, row, why)


def _reverse(match_run: MatchRun, row: Mapping[str, Any]) -> str | None:
    """Do it, or say why not."""
    if len(row["originals"]) != 1:
        return "several lines may be meant" if row["originals"] else "no line has this number and amount"
    [line] = row["originals"]
    original = match_run.uow.conn.execute(_ORIGINAL, (line,)).fetchone()
    if original is None:
        return "the original was paid out for several payments"
    credited = sorted(payments.paid_for(match_run.uow.conn, original["payment_id"]))
    locked = [demand_store.lock(match_run.uow.conn, demand) for demand in credited]
    position = standing(match_run.uow.conn, original["payment_id"], line)
    if not position.is_all(-row["amount"]):
        return "part of it has gone elsewhere since"
    is_settled = any(demand.status == DemandStatusCode.SETTLED for demand in locked)
    match_run.entries.append(_entry(match_run, row, original["payment_id"], None if is_settled else position))
    for demand in credited:
        match_run.events += demand_commands.reverse(
            match_run.uow, demand, original["payment_id"], by=f"line {row['line_id']}"
        )
    payments.end(match_run.uow.conn, original["payment_id"], "reversed")
    match_run.uow.write_audit(
        original["payment_id"], AuditAction.PAYMENT_REVERSED, before=original["status"], reason=f"line {row['line_id']}"
    )
    _write(match_run, row, line, original, credited[0] if credited else None)
    close(match_run, original["payment_id"], TAKEN_BACK, "P10")
    if is_settled:
        match_run.open_exception(
            "V02", "payment", original["payment_id"], -row["amount"], {**row, "payment_id": original["payment_id"]}
        )
    match_run.counters["P10"] += 1
    return None


def _entry(match_run: MatchRun, row: Mapping[str, Any], payment: str, position: PaymentPosition | None) -> LedgerEntry:
    """Out of where it ``position``; None: its department has it, and has to give it back."""
    if position is None:
        return postings.chargeback_after_transfer(match_run.origin(row), payment, -row["amount"])
    return postings.reversal(match_run.origin(row), position.owed, payment, position.over, position.unidentified)


def _write(
    match_run: MatchRun, row: Mapping[str, Any], line: int, original: Mapping[str, Any], demand: str | None
) -> None:
    conn = match_run.uow.conn
    match_store.end(conn, original["group_id"], "revoked", "taken back by the bank")
    evidence = {"how": "bank_ref", "takes_back": original["line_key"], "payment": original["payment_id"]}
    match_store.add(conn, match_run.scope.run, "P10", "A", [MatchLeg(line=row["line_id"], demand=demand)], evidence)
    lines.settle(conn, {line: "reversed"})
    match_run.states[row["line_id"]] = "matched"


def _orphan(match_run: MatchRun, row: Mapping[str, Any], why: str) -> None:
    """The money has left; until somebody knows whose it was, it is to be got back (341)."""
    name = str(row["line_id"])
    match_run.entries.append(postings.chargeback_after_transfer(match_run.origin(row), name, -row["amount"]))
    match_run.states[row["line_id"]] = "in_exception"
    facts = {"line": name, "account": match_run.scope.account, "why": why, "candidates": row["originals"]}
    exceptions.open_exception(match_run.uow, "V01", LINE, name, -row["amount"], facts)
    match_run.counters["V01"] += 1


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


def settle(match_run: MatchRun) -> None:
    """Every debit of the day that is the amount of a chargeback and names it."""
    awaited = chargebacks.awaited(match_run.uow.conn, match_run.scope.account)
    if not awaited:
        return
    for row in match_run.uow.conn.execute(_DEBITS, match_run.scope.parameters).fetchall():
        text = normalise(row["said"]).squeezed
        named = [one for one in awaited if one.provider_case in text and one.amount == -row["amount"]]
        if len(named) == 1:
            awaited.remove(named[0])
            _lose(match_run, row, named[0])


def _lose(match_run: MatchRun, row: Mapping[str, Any], chargeback: Chargeback) -> None:
    uow, line = match_run.uow, row["line_id"]
    credited = payments.paid_for(uow.conn, chargeback.payment_id)
    locked = [demand_store.lock(uow.conn, demand) for demand in credited]
    shown = uow.conn.execute(_SHOWN_BY, (chargeback.payment_id,)).fetchone()
    position = standing(uow.conn, chargeback.payment_id, shown["line_id"] if shown else None)
    if not position.is_all(chargeback.amount):
        _charged_back_orphan(match_run, row, chargeback)
    else:
        is_settled = any(demand.status == DemandStatusCode.SETTLED for demand in locked)
        match_run.entries.append(_charged_back_entry(match_run, row, chargeback, None if is_settled else position))
        for demand in credited:
            match_run.events += demand_commands.reverse(uow, demand, chargeback.payment_id, by=chargeback.id)
        payments.end(uow.conn, chargeback.payment_id, "charged_back")
        uow.write_audit(
            chargeback.payment_id, AuditAction.PAYMENT_CHARGED_BACK, after="charged_back", reason=chargeback.id
        )
        close(match_run, chargeback.payment_id, TAKEN_BACK, "chargeback")
        if is_settled:
            match_run.open_exception(
                "V02", "payment", chargeback.payment_id, chargeback.amount, {**row, "payment_id": chargeback.payment_id}
            )
        match_run.states[line] = "matched"
    evidence = {"how": "chargeback", "chargeback": chargeback.id, "payment": chargeback.payment_id}
    match_store.add(uow.conn, match_run.scope.run, "P10", "A", [MatchLeg(line=line)], evidence)
    chargebacks.move(uow.conn, chargeback, ChargebackState.LOST, at=uow.now, line=line)
    uow.write_audit(
        chargeback.id,
        AuditAction.CHARGEBACK_DEBITED,
        before=chargeback.state,
        after=ChargebackState.LOST,
        reason=f"line {line}",
    )
    chargebacks.close(uow, chargeback, "lost")
    match_run.counters["P10"] += 1


def _charged_back_orphan(match_run: MatchRun, row: Mapping[str, Any], chargeback: Chargeback) -> None:
    """The money has gone elsewhere since (it was given back, say): until somebody knows, it is to be got back."""
    name = str(row["line_id"])
    match_run.entries.append(postings.chargeback_after_transfer(match_run.origin(row), name, chargeback.amount))
    match_run.states[row["line_id"]] = "in_exception"
    facts = {
        "line": name,
        "chargeback": chargeback.id,
        "of": chargeback.payment_id,
        "why": "part of it has gone elsewhere since",
    }
    exceptions.open_exception(match_run.uow, "V01", LINE, name, chargeback.amount, facts)
    match_run.counters["V01"] += 1


def _charged_back_entry(
    match_run: MatchRun, row: Mapping[str, Any], chargeback: Chargeback, position: PaymentPosition | None
) -> LedgerEntry:
    """Out of where it ``position``; None: its department has it, and has to give it back."""
    if position is None:
        return postings.chargeback_after_transfer(match_run.origin(row), chargeback.payment_id, chargeback.amount)
    if position.over or position.unidentified:
        origin = match_run.origin(row)
        return postings.reversal(origin, position.owed, chargeback.payment_id, position.over, position.unidentified)
    return postings.chargeback(match_run.origin(row), position.owed)
