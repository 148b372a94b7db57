"""N01 and P01: what was notified and is on no statement is a line that was taken for something else, or is no money."""

from collections.abc import Mapping
from typing import Any, Final

from psycopg.types.json import Jsonb

from hub.db import one
from hub.errors import InvalidState
from hub.events import Event
from hub.fees import exceptions
from hub.fees.demands import demand_commands, demand_store
from hub.fees.exceptions.model import FeeException
from hub.fees.ledger import post, postings
from hub.fees.payments import payment_store
from hub.fees.payments.payment_store import Payment
from hub.fees.reconciliation.matching.passes import RULES
from hub.fees.resolutions import positions
from hub.locale import vi
from hub.unit_of_work import UnitOfWork

WAITING: Final = frozenset({"notified", "unconfirmed_overdue"})
_OVER: Final = ["R01", "R02", "R03", "R05", "R06", "R07", "R09", "N03"]
"""exceptions about a payment that are over when it turns out to be no money"""
_FOUND: Final = ["R01", "R02", "R06", "R09", "N02", "N03", "P01"]
"""exceptions about what a line was taken for, over when the line is what was notified"""

_SUPERSEDE: Final = "UPDATE match_group SET state = 'superseded', reason = %s WHERE id = %s"

_JOIN: Final = """
INSERT INTO match_group (run_id, pass, class, rule_version, state, evidence, maker, checker, reason)
VALUES (%(run)s, %(pass)s, 'C', %(rules)s, 'confirmed', %(evidence)s, %(maker)s, %(checker)s, %(reason)s) RETURNING id
"""

_LEG: Final = """
INSERT INTO match_leg (group_id, number, line_id, payment_id, demand_id, amount, credited, confirmed)
VALUES (%s, %s, %s, %s, %s, %s, true, true)
"""

_REPORTED: Final = """
SELECT i.provider_txn, i.amount, p.id AS payment_id FROM payout_item i
LEFT JOIN payment p ON p.provider = i.provider AND p.provider_txn = i.provider_txn AND p.amount = i.amount
    AND p.status IN ('notified', 'unconfirmed_overdue')
    AND NOT EXISTS (SELECT 1 FROM match_leg t WHERE t.payment_id = p.id AND t.confirmed)
    AND EXISTS (SELECT 1 FROM ledger_entry e
                WHERE (e.source_type, e.source_id, e.kind) = ('payment', p.id, 'notified'))
WHERE i.provider = %s AND i.report = %s ORDER BY i.provider_txn
"""


def confirm(uow: UnitOfWork, case: FeeException, details: Mapping[str, str]) -> list[Event]:
    """It is this ``line``, which nobody could place."""
    payment = _waiting(positions.payment_of(uow, case))
    line = _unplaced(uow, details["line"])
    if (line["account"], line["amount"]) != (payment.account, payment.amount):
        raise InvalidState(
            vi(
                "the statement line is {amount} VND of account {account}, the payment is {amount2} VND",
                amount=line["amount"],
                account=line["account"],
                amount2=payment.amount,
            )
        )
    found = _replace(uow, case, line)
    group = _group(uow, case, line, "P11")
    events = _join(uow, group, payment, 1, line["id"])
    positions.settle_line(uow, str(line["id"]), "matched")
    positions.close_others(uow, case, found, _FOUND)
    entry = postings.found_notified(positions.origin(uow, case, payment.account), found, [(payment.id, payment.amount)])
    post(uow.conn, entry)
    return events


def void(uow: UnitOfWork, case: FeeException, _: Mapping[str, str]) -> list[Event]:
    """No money ever came: what it had paid is open again."""
    payment = _waiting(positions.payment_of(uow, case))
    stands = positions.stands(uow, payment.id)
    if stands.total != payment.amount:
        raise InvalidState(
            vi(
                "the ledger has only {total} VND of this item, not {amount} VND: a part has been moved",
                total=stands.total,
                amount=payment.amount,
            )
        )
    events = [
        event
        for demand in payment_store.paid_for(uow.conn, payment.id)
        for event in demand_commands.reverse(uow, demand, payment.id, by=case.id)
    ]
    payment_store.end(uow.conn, payment.id, "voided")
    uow.note(payment.id, "voided", before=payment.status, after="voided", reason=case.id)
    positions.close_others(uow, case, payment.id, _OVER)
    today = positions.origin(uow, case, payment.account)
    post(uow.conn, postings.unconfirmed(today, payment.id, stands.owed, stands.over, stands.unidentified))
    return events


def book_payout(uow: UnitOfWork, case: FeeException, _: Mapping[str, str]) -> list[Event]:
    """What the gateway paid is what its report names, less a charge that the report does not say."""
    line = _unplaced(uow, case.line or "")
    provider, name = case.facts.get("provider"), case.facts.get("report")
    rows = uow.conn.execute(_REPORTED, (provider, name)).fetchall()
    if not rows or any(row["payment_id"] is None for row in rows):
        raise InvalidState(vi("the report has payments that nobody notified, or that are on a statement already"))
    paid = [_waiting(positions.payment_by(uow, row["payment_id"])) for row in rows]
    charge = sum(payment.amount for payment in paid) - line["amount"]
    if charge < 0:
        raise InvalidState(vi("the payout is {charge} VND more than the items of the report", charge=-charge))
    found = _replace(uow, case, line)
    evidence = {"provider": provider, "report": name, "charge": charge}
    group = _group(uow, case, line, "P9", **evidence)
    uow.conn.execute(_LEG, (group, 1, line["id"], None, None, 0))
    events = [event for number, payment in enumerate(paid, 2) for event in _join(uow, group, payment, number, None)]
    positions.settle_line(uow, str(line["id"]), "matched")
    positions.close_others(uow, case, found, _FOUND)
    amounts = [(payment.id, payment.amount) for payment in paid]
    post(uow.conn, postings.found_notified(positions.origin(uow, case, line["account"]), found, amounts, charge))
    return events


def _waiting(payment: Payment) -> Payment:
    if payment.status not in WAITING:
        raise InvalidState(
            vi(
                "payment {id} is {status}; it does not wait for a statement any more",
                id=payment.id,
                status=payment.status,
            )
        )
    return payment


def _unplaced(uow: UnitOfWork, name: str) -> Mapping[str, Any]:
    line = positions.line_by(uow, name)
    if line["state"] != "in_exception" or line["joined_by"] != "P0" or line["demand_id"] is not None:
        raise InvalidState(vi("statement line {name} is matched already", name=name))
    return line


def _replace(uow: UnitOfWork, case: FeeException, line: Mapping[str, Any]) -> str:
    """The payment that was made up for the line is none of its own; its id."""
    found = positions.payment_by(uow, line["payment_id"])
    if found.allocated or positions.stands(uow, found.id).unidentified != line["amount"]:
        raise InvalidState(vi("a part of statement line {id} is matched already", id=line["id"]))
    uow.conn.execute(_SUPERSEDE, (case.id, line["group_id"]))
    payment_store.end(uow.conn, found.id, "voided")
    uow.note(found.id, "voided", before=found.status, after="voided", reason=case.id)
    return found.id


def _group(uow: UnitOfWork, case: FeeException, line: Mapping[str, Any], name: str, **evidence: Any) -> int:
    said = {
        "run": line["run_id"],
        "pass": name,
        "rules": RULES,
        "evidence": Jsonb({"how": "case", "case": case.id, **evidence}),
        "maker": case.maker,
        "checker": case.checker,
        "reason": case.reason,
    }
    return int(one(uow.conn, _JOIN, said)["id"])


def _join(uow: UnitOfWork, group: int, payment: Payment, number: int, line: int | None) -> list[Event]:
    """The payment is on its statement, with what it was credited to."""
    paid = payment_store.paid_for(uow.conn, payment.id)
    credited = demand_store.credit_by(uow.conn, paid[0], payment.id) if paid else None
    demand, amount = (paid[0], credited.amount) if credited else (None, 0)
    uow.conn.execute(_LEG, (group, number, line, payment.id, demand, amount))
    payment_store.confirm(uow.conn, [payment.id])
    uow.note(payment.id, "confirmed by a person", before=payment.status, after="confirmed", reason=f"match {group}")
    exceptions.resolve_about(uow.conn, "payment", [payment.id], f"match {group}", codes=["N01"])
    return [event for one in paid for event in demand_commands.confirm(uow, one, payment.id)]
