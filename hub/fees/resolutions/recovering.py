"""V01, V02: what the bank has taken back is got from those who have the money. S08: a line that the bank took out."""

from collections.abc import Mapping
from typing import Final

from hub.errors import InvalidState
from hub.events import Event
from hub.fees.demands import demand_commands
from hub.fees.exceptions.model import FeeException
from hub.fees.ledger import Origin, post, postings
from hub.fees.payments import payment_store
from hub.fees.payments.payment_store import Payment
from hub.fees.reconciliation.matching.effects import TAKEN_BACK
from hub.fees.resolutions import positions
from hub.locale import vi
from hub.unit_of_work import UnitOfWork

_OUTCOME: Final = """
UPDATE statement_line SET state = %(state)s, allocated = CASE %(state)s WHEN 'vanished' THEN 0 ELSE allocated END
WHERE id = %(line)s
"""
_REVOKE: Final = "UPDATE match_group SET state = 'revoked', reason = %s WHERE id = %s"


def recover(uow: UnitOfWork, case: FeeException, details: Mapping[str, str]) -> list[Event]:
    """It was this ``payment`` that the bank has taken back: what it had paid is open again."""
    if case.line is None:
        raise InvalidState(
            vi("no statement line takes money back yet: wait for the statement, or resolve it by answered")
        )
    payment = positions.payment_by(uow, details["payment"])
    line = positions.line_by(uow, case.line)
    stands = positions.stands(uow, payment.id)
    if payment.status not in payment_store.SHOWN or stands.total != -line["amount"]:
        raise InvalidState(
            vi(
                "the ledger has {total} VND of this payment ({status}), not {amount} VND",
                total=stands.total,
                status=payment.status,
                amount=-line["amount"],
            )
        )
    events = _undone(uow, case, payment, positions.line_of(uow, payment.id))
    positions.settle_line(uow, case.line, "matched")
    today = positions.origin(uow, case, line["account"])
    post(uow.conn, postings.recovered(today, case.line, stands.owed, payment.id, stands.over, stands.unidentified))
    return events


def recover_from_department(uow: UnitOfWork, case: FeeException, _: Mapping[str, str]) -> list[Event]:
    """The department has the money: it is kept from what it is owed this month."""
    payment = positions.payment_of(uow, case)
    stands = positions.stands(uow, payment.id)
    row = uow.conn.execute(
        "SELECT coalesce(sum(dr - cr), 0)::bigint AS net FROM ledger_line WHERE account = '341' AND item = %s",
        (payment.id,),
    ).fetchone()
    lost = int(row["net"]) if row else 0
    if not lost or sum(share.amount for share in stands.owed) != lost:
        raise InvalidState(
            vi(
                "{lost} VND are lost, but only {credited} VND of it were credited to agencies",
                lost=lost,
                credited=sum(share.amount for share in stands.owed),
            )
        )
    post(uow.conn, postings.recovered(positions.origin(uow, case, payment.account), payment.id, stands.owed))
    return []


def bank_answer(uow: UnitOfWork, case: FeeException, _: Mapping[str, str]) -> list[Event]:
    """The bank says that there was no such line: what it had brought is taken back, as if the bank had."""
    line = positions.line_by(uow, case.object_id)
    booked = uow.conn.execute(
        "SELECT coalesce(sum(l.dr - l.cr), 0)::bigint AS net FROM ledger_line l JOIN ledger_entry e"
        " ON e.seq = l.entry_seq WHERE l.account = '111' AND (e.source_type, e.source_id) = ('line', %s)",
        (case.object_id,),
    ).fetchone()
    if booked is None or not booked["net"]:
        return []
    if line["payment_id"] is None or line["joined_by"] == "P9" or booked["net"] != line["amount"]:
        raise InvalidState(vi("the statement line is not a single payment: ask the bank for a correct statement"))
    payment = positions.payment_by(uow, line["payment_id"])
    stands = positions.stands(uow, payment.id)
    if stands.total != line["amount"]:
        raise InvalidState(
            vi(
                "only {total} VND of the {amount} VND of the statement line are left: a part has been moved",
                total=stands.total,
                amount=line["amount"],
            )
        )
    events = _undone(uow, case, payment, case.object_id, state="vanished")
    day = positions.origin(uow, case, line["account"])
    taken_back = Origin("line", case.object_id, day.day, day.bank_account)
    post(uow.conn, postings.reversal(taken_back, stands.owed, payment.id, stands.over, stands.unidentified))
    return events


def _undone(
    uow: UnitOfWork, case: FeeException, payment: Payment, line: str | None, *, state: str = "reversed"
) -> list[Event]:
    """The payment counts no more, and neither does the match that had shown it."""
    events = [
        event
        for demand in payment_store.paid_for(uow.conn, payment.id)
        for event in demand_commands.reverse(uow, demand, payment.id, by=case.id)
    ]
    payment_store.end(uow.conn, payment.id, "reversed")
    uow.note(payment.id, "reversed", before=payment.status, after="reversed", reason=case.id)
    if line is not None:
        uow.conn.execute(_REVOKE, (case.id, positions.line_by(uow, line)["group_id"]))
        uow.conn.execute(_OUTCOME, {"state": state, "line": int(line)})
    positions.close_others(uow, case, payment.id, (*TAKEN_BACK, "N01"))
    return events
