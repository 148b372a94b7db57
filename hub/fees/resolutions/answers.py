"""Resolutions that post nothing: somebody has looked, somebody else has answered, a decision lifts what is owed."""

from collections.abc import Mapping

from hub.errors import InvalidState
from hub.events import Event
from hub.fees.demands import demand_commands
from hub.fees.exceptions.model import FeeException
from hub.fees.proof import proving
from hub.unit_of_work import UnitOfWork


def noted(_: UnitOfWork, __: FeeException, ___: Mapping[str, str]) -> list[Event]:
    """It was seen, or answered in writing. While money waits for it in the book, desk.resolve keeps the case open."""
    return []


def waive_rest(uow: UnitOfWork, case: FeeException, details: Mapping[str, str]) -> list[Event]:
    """What is still outstanding need not be paid, by a decision (its number and day)."""
    return demand_commands.waive_rest(uow, case.object_id, details["decision"], case.reason or "")


def no_refund(uow: UnitOfWork, case: FeeException, _: Mapping[str, str]) -> list[Event]:
    """The fee was earned before the dossier ended: it is kept. Only of what counts for a demand."""
    if case.object_type != "fee_demand":
        raise InvalidState("khoản tiền này không tính cho mã thanh toán nào: hoàn lại cho người nộp")
    uow.note(case.object_id, "case kept", reason=case.id)
    return []


def mended(uow: UnitOfWork, _: FeeException, __: Mapping[str, str]) -> list[Event]:
    """The book is whole again: the proof says so now."""
    red = sorted({result.invariant.value for result in proving.proven(uow.conn).red})
    if red:
        raise InvalidState(f"phép kiểm tra sổ vẫn còn lỗi: {', '.join(red)}; sửa xong rồi xử lý lại")
    return []
