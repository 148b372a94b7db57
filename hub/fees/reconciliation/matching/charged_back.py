"""A debit that names a provider's chargeback takes what its payment had paid, whatever was argued before.

Where the department has the money already, it is to be got back from it (341, V02); else all of it is open again.
"""

from collections.abc import Mapping
from typing import Any, Final

from psycopg.types.json import Jsonb

from hub.fees import exceptions
from hub.fees.demands import demand_commands, demand_store
from hub.fees.demands.model import DemandStatusCode
from hub.fees.exceptions.opening import LINE
from hub.fees.ledger import LedgerEntry, postings
from hub.fees.ledger.normalise import normalise
from hub.fees.payments import payment_store
from hub.fees.payouts.chargebacks import commands
from hub.fees.payouts.chargebacks import store as chargebacks
from hub.fees.payouts.chargebacks.model import Chargeback, ChargebackState
from hub.fees.reconciliation.matching.effects import TAKEN_BACK, MatchRun, close
from hub.fees.reconciliation.matching.passes import RULES
from hub.fees.reconciliation.matching.standing import PaymentPosition, standing

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
_JOIN: Final = """
WITH grouped AS (
    INSERT INTO match_group (run_id, pass, class, rule_version, state, evidence)
    VALUES (%(run)s, 'P10', 'A', %(rules)s, 'confirmed', %(evidence)s) RETURNING id
)
INSERT INTO match_leg (group_id, number, line_id, amount, credited, confirmed)
SELECT id, 1, %(line)s, 0, true, true FROM grouped
"""


def settle(doing: MatchRun) -> None:
    """Every debit of the day that is the amount of a chargeback and names it."""
    awaited = chargebacks.awaited(doing.uow.conn, doing.scope.account)
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
        _orphan(doing, row, found)
    else:
        is_settled = any(demand.status == DemandStatusCode.SETTLED for demand in locked)
        doing.entries.append(_entry(doing, row, found, None if is_settled else stands))
        for demand in credited:
            doing.events += demand_commands.reverse(uow, demand, found.payment_id, by=found.id)
        payment_store.end(uow.conn, found.payment_id, "charged_back")
        uow.note(found.payment_id, "charged back", after="charged_back", reason=found.id)
        close(doing, found.payment_id, TAKEN_BACK, "chargeback")
        if is_settled:
            doing.case("V02", "payment", found.payment_id, found.amount, {**row, "payment_id": found.payment_id})
        doing.states[line] = "matched"
    evidence = {"how": "chargeback", "chargeback": found.id, "payment": found.payment_id}
    said = {"run": doing.scope.run, "rules": RULES, "line": line, "evidence": Jsonb(evidence)}
    uow.conn.execute(_JOIN, said)
    chargebacks.move(uow.conn, found, ChargebackState.LOST, at=uow.now, line=line)
    uow.note(found.id, "chargeback debited", before=found.state, after=ChargebackState.LOST, reason=f"line {line}")
    commands.close(uow, found, "lost")
    doing.counters["P10"] += 1


def _orphan(doing: MatchRun, row: Mapping[str, Any], found: Chargeback) -> None:
    """The money has gone elsewhere since (it was given back, say): until somebody knows, it is to be got back."""
    name = str(row["line_id"])
    doing.entries.append(postings.chargeback_after_transfer(doing.origin(row), name, found.amount))
    doing.states[row["line_id"]] = "in_exception"
    facts = {"line": name, "chargeback": found.id, "of": found.payment_id, "why": "part of it has gone elsewhere since"}
    exceptions.open_case(doing.uow, "V01", LINE, name, found.amount, facts)
    doing.counters["V01"] += 1


def _entry(doing: MatchRun, row: Mapping[str, Any], found: Chargeback, stands: PaymentPosition | None) -> LedgerEntry:
    """Out of where it ``stands``; None: its department has it, and has to give it back."""
    if stands is None:
        return postings.chargeback_after_transfer(doing.origin(row), found.payment_id, found.amount)
    if stands.over or stands.unidentified:
        origin = doing.origin(row)
        return postings.reversal(origin, stands.owed, found.payment_id, stands.over, stands.unidentified)
    return postings.chargeback(doing.origin(row), stands.owed)
