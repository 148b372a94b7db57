"""Resolutions that post nothing: somebody has looked, somebody else has answered, a decision lifts what is owed."""

from collections.abc import Mapping

from hub.errors import NotNow
from hub.events import Event
from hub.fees import demands
from hub.fees.cases.model import Case
from hub.fees.proof import proving
from hub.work import Work


def noted(_: Work, __: Case, ___: Mapping[str, str]) -> list[Event]:
    """It was seen, or answered in writing. While money waits for it in the book, desk.resolve keeps the case open."""
    return []


def waive_rest(work: Work, case: Case, details: Mapping[str, str]) -> list[Event]:
    """What is still outstanding need not be paid, by a decision (its number and day)."""
    return demands.waive_rest(work, case.object_id, details["decision"], case.reason or "")


def no_refund(work: Work, case: Case, _: Mapping[str, str]) -> list[Event]:
    """The fee was earned before the dossier ended: it is kept. Only of what counts for a demand."""
    if case.object_type != "fee_demand":
        raise NotNow("khoản tiền này không tính cho mã thanh toán nào: hoàn lại cho người nộp")
    work.note(case.object_id, "case kept", reason=case.id)
    return []


def mended(work: Work, _: Case, __: Mapping[str, str]) -> list[Event]:
    """The book is whole again: the proof says so now."""
    red = sorted({result.invariant.value for result in proving.proven(work.conn).red})
    if red:
        raise NotNow(f"phép kiểm tra sổ vẫn còn lỗi: {', '.join(red)}; sửa xong rồi xử lý lại")
    return []
