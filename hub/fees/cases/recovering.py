"""V01, V02: what the bank has taken back is got from those who have the money. S08: a line that the bank took out."""

from collections.abc import Mapping
from typing import Final

from hub.errors import NotNow
from hub.events import Event
from hub.fees import demands, payments
from hub.fees.cases import money
from hub.fees.cases.model import Case
from hub.fees.ledger import Origin, post, postings
from hub.fees.matching.effects import TAKEN_BACK
from hub.fees.payments import Payment
from hub.work import Work

_OUTCOME: Final = """
UPDATE statement_line SET state = %(state)s, allocated = CASE %(state)s WHEN 'vanished' THEN 0 ELSE allocated END
WHERE id = %(line)s
"""
_REVOKE: Final = "UPDATE match_group SET state = 'revoked', reason = %s WHERE id = %s"


def recover(work: Work, case: Case, details: Mapping[str, str]) -> list[Event]:
    """It was this ``payment`` that the bank has taken back: what it had paid is open again."""
    if case.line is None:
        raise NotNow("sao kê chưa có dòng nào lấy lại tiền: chờ có sao kê, hoặc xử lý bằng answered")
    payment = money.payment_by(work, details["payment"])
    line = money.line_by(work, case.line)
    stands = money.stands(work, payment.id)
    if payment.status not in payments.SHOWN or stands.total != -line["amount"]:
        raise NotNow(f"sổ có {stands.total} đ của khoản nộp này ({payment.status}), không phải {-line['amount']} đ")
    events = _undone(work, case, payment, money.line_of(work, payment.id))
    money.settle_line(work, case.line, "matched")
    today = money.origin(work, case, line["account"])
    post(work.conn, postings.recovered(today, case.line, stands.owed, payment.id, stands.over, stands.unidentified))
    return events


def recover_from_department(work: Work, case: Case, _: Mapping[str, str]) -> list[Event]:
    """The department has the money: it is kept from what it is owed this month."""
    payment = money.payment_of(work, case)
    stands = money.stands(work, payment.id)
    row = work.conn.execute(
        "SELECT coalesce(sum(dr - cr), 0)::bigint AS net FROM journal_line WHERE account = '341' AND item = %s",
        (payment.id,),
    ).fetchone()
    lost = int(row["net"]) if row else 0
    if not lost or sum(share.amount for share in stands.owed) != lost:
        raise NotNow(
            f"mất {lost} đ, nhưng các cơ quan chỉ được ghi {sum(share.amount for share in stands.owed)} đ trong đó"
        )
    post(work.conn, postings.recovered(money.origin(work, case, payment.account), payment.id, stands.owed))
    return []


def bank_answer(work: Work, case: Case, _: Mapping[str, str]) -> list[Event]:
    """The bank says that there was no such line: what it had brought is taken back, as if the bank had."""
    line = money.line_by(work, case.object_id)
    booked = work.conn.execute(
        "SELECT coalesce(sum(l.dr - l.cr), 0)::bigint AS net FROM journal_line l JOIN journal_entry e"
        " ON e.seq = l.entry_seq WHERE l.account = '111' AND (e.source_type, e.source_id) = ('line', %s)",
        (case.object_id,),
    ).fetchone()
    if booked is None or not booked["net"]:
        return []
    if line["payment_id"] is None or line["joined_by"] == "P9" or booked["net"] != line["amount"]:
        raise NotNow("dòng sao kê không phải là một khoản nộp riêng: yêu cầu ngân hàng gửi sao kê đúng")
    payment = money.payment_by(work, line["payment_id"])
    stands = money.stands(work, payment.id)
    if stands.total != line["amount"]:
        raise NotNow(f"chỉ còn {stands.total} đ trong {line['amount']} đ của dòng sao kê: một phần đã chuyển đi")
    events = _undone(work, case, payment, case.object_id, state="vanished")
    day = money.origin(work, case, line["account"])
    taken_back = Origin("line", case.object_id, day.day, day.bank_account)
    post(work.conn, postings.reversal(taken_back, stands.owed, payment.id, stands.over, stands.unidentified))
    return events


def _undone(work: Work, case: Case, payment: Payment, line: str | None, *, state: str = "reversed") -> list[Event]:
    """The payment counts no more, and neither does the match that had shown it."""
    events = [
        event
        for demand in payments.paid_for(work.conn, payment.id)
        for event in demands.reverse(work, demand, payment.id, by=case.id)
    ]
    payments.end(work.conn, payment.id, "reversed")
    work.note(payment.id, "reversed", before=payment.status, after="reversed", reason=case.id)
    if line is not None:
        work.conn.execute(_REVOKE, (case.id, money.line_by(work, line)["group_id"]))
        work.conn.execute(_OUTCOME, {"state": state, "line": int(line)})
    money.close_others(work, case, payment.id, (*TAKEN_BACK, "N01"))
    return events
