"""R08: money that was paid for the wrong dossier goes to the right one. Both sides hear of it."""

from collections.abc import Mapping, Sequence

from hub.errors import InvalidState
from hub.events import Event
from hub.fees.demands import demand_commands, demand_store
from hub.fees.demands.model import COLLECTING
from hub.fees.exceptions import covered
from hub.fees.exceptions.model import FeeException
from hub.fees.exceptions.opening import open_case
from hub.fees.ledger import Share, post, postings
from hub.fees.payments import bookings, payment_store
from hub.fees.resolutions import positions
from hub.unit_of_work import UnitOfWork


def report(uow: UnitOfWork, demand: str, other: str, reason: str, payment: str | None = None) -> str:
    """Somebody says that the money of ``demand`` was for ``other``: the case. Raises NotFound, InvalidState.

    ``payment``: which of the demand's, where several count for it.
    """
    if demand == other:
        raise InvalidState("hai mã này là một khoản phải thu")
    locked = {name: demand_store.lock(uow.conn, name) for name in sorted({demand, other})}
    rows = uow.conn.execute(
        "SELECT evidence, amount FROM fee_credit WHERE demand_id = %s AND reversed_at IS NULL AND evidence LIKE %s",
        (demand, payment or r"pm\_%"),
    ).fetchall()
    if len(rows) != 1:
        raise InvalidState(
            "nói rõ khoản nộp nào của mã này (--payment)" if rows else "chưa có khoản nộp nào cho mã này"
        )
    _takes(locked[other].outstanding if locked[other].status in COLLECTING else 0, rows[0]["amount"])
    facts = {"other": other, "payment": rows[0]["evidence"], "demand_status": locked[demand].status}
    at_risk = rows[0]["amount"]
    opened = open_case(uow, "R08", "fee_demand", demand, at_risk, facts)
    if opened is None:
        raise InvalidState("việc này đã báo rồi, ca vẫn đang mở")
    uow.note(other, "case R08", reason=opened)
    uow.note(opened, "reported", after="open", reason=f"demand={demand} other={other}: {reason}")
    return opened


def move(uow: UnitOfWork, case: FeeException, _: Mapping[str, str]) -> list[Event]:
    """The payment counts for the other demand: what was paid is open again there, and paid here."""
    payment = positions.payment_of(uow, case)
    demand, other = case.object_id, demand_store.lock(uow.conn, str(case.facts["other"]))
    away = _owed(uow, payment.id, demand)
    amount = sum(share.amount for share in away)
    if demand not in payment_store.paid_for(uow.conn, payment.id) or not amount:
        raise InvalidState("khoản nộp không còn tính cho mã thanh toán này")
    if demand_store.credit_by(uow.conn, other.id, payment.id) is not None:
        raise InvalidState("khoản nộp đã từng chuyển đi từ mã thanh toán kia, không chuyển lại được")
    _takes(other.outstanding if other.status in COLLECTING else 0, amount)
    events = demand_commands.reverse(uow, demand, payment.id, by=case.id)
    is_shown = payment.status in payment_store.SHOWN
    credited = demand_commands.credit(uow, other.id, amount, payment.id, paid_at=payment.paid_at, confirmed=is_shown)
    covered(uow.conn, [other.id])
    to = bookings.shares(uow, other.id, credited.taken)
    post(uow.conn, postings.moved(positions.origin(uow, case, payment.account), payment.id, away, to))
    return [*events, *credited.events]


def _owed(uow: UnitOfWork, payment: str, demand: str) -> Sequence[Share]:
    return [share for share in positions.stands(uow, payment).owed if share.demand_id == demand]


def _takes(outstanding: int, amount: int) -> None:
    if outstanding < amount:
        raise InvalidState(f"mã thanh toán kia chỉ còn phải thu {outstanding} đ, không phải {amount} đ")
