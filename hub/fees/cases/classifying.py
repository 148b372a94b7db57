"""Money that has nothing to do with fees: charges of the bank, interest, transfers of our own, what is another's."""

from collections.abc import Mapping

from hub.errors import NotNow
from hub.events import Event
from hub.fees import payments
from hub.fees.cases import money
from hub.fees.cases.model import Case
from hub.fees.ledger import post, postings
from hub.work import Work


def charge(work: Work, case: Case, _: Mapping[str, str]) -> list[Event]:
    """It is the bank's charge, as the book took it for."""
    _debited(work, case)
    money.settle_line(work, case.line, "not_fee")
    return []


def not_fee(work: Work, case: Case, details: Mapping[str, str]) -> list[Event]:
    """It is not for fees: what came is off 338, what went is no charge. ``kind`` says what it is."""
    if details["kind"] not in KINDS:
        raise NotNow(f"kind là một trong: {', '.join(KINDS)}")
    if case.code in ("P02", "V05"):
        amount, account = _debited(work, case)
        money.settle_line(work, case.line, "not_fee")
        post(work.conn, postings.no_charge(money.origin(work, case, account), amount))
        return []
    item, account, amount = _unidentified(work, case)
    line = case.line or money.line_of(work, item)
    money.settle_line(work, line, "not_fee", before=("in_case", "matched"))
    money.close_others(work, case, item, ["R01", "R02", "R06", "R09", "N02", "N03"])
    post(work.conn, postings.not_ours(money.origin(work, case, account), item, amount))
    return []


KINDS = {
    "interest": "lãi tiền gửi",
    "own_transfer": "chuyển nội bộ",
    "not_ours": "tiền của đơn vị khác",
    "other": "khoản khác",
}


def _debited(work: Work, case: Case) -> tuple[int, str]:
    """What the book took for a charge, and on which account. Raises NotNow."""
    line = money.line_by(work, case.line or "")
    taken = work.conn.execute(
        "SELECT amount FROM journal_entry WHERE (source_type, source_id, kind) = ('line', %s, 'charged')",
        (str(line["id"]),),
    ).fetchone()
    if taken is None or line["state"] != "in_case":
        raise NotNow("dòng sao kê này đã được xử lý cách khác: xem lại ca")
    return int(taken["amount"]), str(line["account"])


def _unidentified(work: Work, case: Case) -> tuple[str, str, int]:
    """The item on 338, its account at the bank, and what stands there. Raises NotNow."""
    item = case.payment or case.line
    row = work.conn.execute(
        "SELECT coalesce(sum(cr - dr), 0)::bigint AS net FROM journal_line WHERE account = '338' AND item = %s", (item,)
    ).fetchone()
    if item is None or row is None or row["net"] <= 0:
        raise NotNow("khoản này không còn tiền trên 338")
    if case.payment is None:
        return item, str(money.line_by(work, item)["account"]), row["net"]
    payment = money.payment_by(work, case.payment)
    if payment.status not in payments.SHOWN:
        raise NotNow("sao kê chưa có khoản này: chờ có sao kê, hoặc xử lý theo ca N01")
    return item, payment.account, row["net"]
