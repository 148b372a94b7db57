"""The table of resolutions: name, label, number of persons, required details, and what each does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from hub.audit import AuditAction
from hub.errors import InvalidState
from hub.events import Event
from hub.fees import payments
from hub.fees.demands import demand_commands
from hub.fees.exceptions.codes import CODES, SEVERITY, ExceptionDescription
from hub.fees.exceptions.store import STATES, FeeException
from hub.fees.ledger import balances, post, postings
from hub.fees.ledger.entry import posted
from hub.fees.proof import proving
from hub.fees.receipts import issuing
from hub.fees.resolutions import allocating, payment_orders, positions, recovering, unconfirmed
from hub.locale import vi
from hub.unit_of_work import UnitOfWork
from schemas.figures import grouped


def charge(uow: UnitOfWork, exception: FeeException, _: Mapping[str, str]) -> list[Event]:
    """Confirm that the debit is a bank charge, as it was posted."""
    _debited(uow, exception)
    positions.settle_line(uow, exception.line, "not_fee")
    return []


def not_fee(uow: UnitOfWork, exception: FeeException, details: Mapping[str, str]) -> list[Event]:
    """Book money that is no fee: a credit leaves 338, a debit is no bank charge. ``kind``: one of KINDS."""
    if details["kind"] not in KINDS:
        raise InvalidState(vi("kind is one of: {listed}", listed=", ".join(KINDS)))
    if exception.code in ("P02", "V05"):
        amount, account = _debited(uow, exception)
        positions.settle_line(uow, exception.line, "not_fee")
        post(uow.conn, postings.no_charge(positions.origin(uow, exception, account), amount))
        return []
    item, account, amount = _unidentified(uow, exception)
    line = exception.line or positions.line_of(uow, item)
    positions.settle_line(uow, line, "not_fee", before=("in_exception", "matched"))
    positions.close_others(uow, exception, item, ["R01", "R02", "R06", "R09", "N02", "N03"])
    post(uow.conn, postings.not_ours(positions.origin(uow, exception, account), item, amount))
    return []


KINDS = {
    "interest": vi("interest on deposits"),
    "own_transfer": vi("internal transfer"),
    "not_ours": vi("money of another unit"),
    "other": vi("other money"),
}


def _debited(uow: UnitOfWork, exception: FeeException) -> tuple[int, str]:
    """The amount that was posted as a charge, and its account. Raises InvalidState."""
    line = positions.line_by(uow, exception.line or "")
    taken = posted(uow.conn, "line", str(line["id"]), "charged")
    if taken is None or line["state"] != "in_exception":
        raise InvalidState(vi("this statement line was handled another way: look at the exception again"))
    return taken.amount, str(line["account"])


def _unidentified(uow: UnitOfWork, exception: FeeException) -> tuple[str, str, int]:
    """The item on 338, its bank account and its balance. Raises InvalidState."""
    item = exception.payment or exception.line
    unidentified = -balances.item_balance(uow.conn, "338", item)
    if item is None or unidentified <= 0:
        raise InvalidState(vi("this item has no money on 338 any more"))
    if exception.payment is None:
        return item, str(positions.line_by(uow, item)["account"]), unidentified
    payment = positions.payment_by(uow, exception.payment)
    if payment.status not in payments.SHOWN:
        raise InvalidState(
            vi("the statement does not have this item yet: wait for the statement, or resolve it as exception N01")
        )
    return item, payment.account, unidentified


def noted(_: UnitOfWork, __: FeeException, ___: Mapping[str, str]) -> list[Event]:
    """Note that it was seen, or answered in writing.

    While its money waits on a clearing account, commands.resolve keeps the exception open.
    """
    return []


def waive_rest(uow: UnitOfWork, exception: FeeException, details: Mapping[str, str]) -> list[Event]:
    """Waive what is outstanding, by a decision (its number and day)."""
    return demand_commands.waive_rest(uow, exception.object_id, details["decision"], exception.reason or "")


def no_refund(uow: UnitOfWork, exception: FeeException, _: Mapping[str, str]) -> list[Event]:
    """Keep the fee: it was earned before the dossier ended. Only of what is credited to a demand."""
    if exception.object_type != "fee_demand":
        raise InvalidState(vi("this money is not allocated to any demand: refund it to the payer"))
    uow.write_audit(exception.object_id, AuditAction.DEMAND_FEE_KEPT, reason=exception.id)
    return []


def mended(uow: UnitOfWork, _: FeeException, __: Mapping[str, str]) -> list[Event]:
    """The book is whole again: the proof says so now."""
    red = sorted({result.invariant.value for result in proving.proven(uow.conn).red})
    if red:
        raise InvalidState(
            vi("checks of the ledger still fail: {listed}; mend them, then resolve again", listed=", ".join(red))
        )
    return []


Act = Callable[[UnitOfWork, FeeException, Mapping[str, str]], list[Event]]


@dataclass(frozen=True, slots=True)
class Resolution:
    """One of them. ``act`` runs in the transaction in which the last person agrees, with the exception locked.

    ``details`` are the names of what it has to be told (``--set name=value``).
    """

    name: str
    label_vi: str
    persons: Literal[1, 2]
    act: Act
    details: tuple[str, ...] = ()
    asked_by: Callable[[UnitOfWork, FeeException], str | None] | None = None
    """the person who requested it already, which counts as that person's proposal"""


_ALL: Final = (
    Resolution("assign", vi("Allocate to a demand"), 2, allocating.assign, ("demand",)),
    Resolution("choose", vi("Choose a proposed match"), 2, allocating.choose, ("match",)),
    Resolution("renew", vi("Renew the demand and allocate to it"), 2, allocating.renew),
    Resolution("allocate", vi("Allocate the surplus to another demand, as the payer asks"), 2, allocating.allocate,
               ("demand",)),
    Resolution("move", vi("Move to the right dossier"), 2, allocating.move),
    Resolution("no_move", vi("Do not move: it was not paid by mistake"), 1, noted),
    Resolution("waive_rest", vi("Waive the rest, by a decision"), 2, waive_rest, ("decision",)),
    Resolution("no_refund", vi("No refund: the service has been rendered"), 2, no_refund),
    Resolution("refund", vi("Refund to the payer"), 2, payment_orders.agree, asked_by=payment_orders.asked_by),
    Resolution("return_to_sender", vi("Return to the sender"), 2,
    payment_orders.agree, asked_by=payment_orders.asked_by),
    Resolution("own_order", vi("It is this payment order of the Centre"), 2, payment_orders.own_order, ("order",)),
    Resolution("not_fee", vi("It is not a fee"), 2, not_fee, ("kind",)),
    Resolution("charge", vi("It is a bank charge"), 2, charge),
    Resolution("confirm", vi("It is this statement line"), 2, unconfirmed.confirm, ("line",)),
    Resolution("void", vi("The money does not exist: void the notification"), 2, unconfirmed.void),
    Resolution("book_payout", vi("Book what the gateway paid out; the difference is its charge"), 2,
    unconfirmed.book_payout),
    Resolution("recover", vi("Deduct from this payment"), 2, recovering.recover, ("payment",)),
    Resolution("recover_from_department", vi("Recover from the agency, deducted this month"), 2,
               recovering.recover_from_department),
    Resolution("bank_answer", vi("The bank answers: there is no such line"), 2, recovering.bank_answer),
    Resolution("answered", vi("The notifier has answered in writing"), 1, noted),
    Resolution("noted", vi("Seen, nothing to do"), 1, noted),
    Resolution("mended", vi("The ledger is right again"), 1, mended),
    Resolution("receipt_mended", vi("The receipts are complete and rightly numbered"), 1, issuing.mended),
)  # fmt: skip

RESOLUTIONS: Final[Mapping[str, Resolution]] = {one.name: one for one in _ALL}


# docs/reference/exceptions.md: the accountants' page, made from the tables of codes and of resolutions.

_INTRO: Final = """# Ngoại lệ: tiền chưa ở đúng chỗ, và được làm gì

Dành cho kế toán. Sinh từ `hub/fees/exceptions` (`make docs`); sửa ở đó. For developers: the codes are the contract.

Mỗi khoản tiền không tự tìm được chỗ thành một **ngoại lệ**: mã, số tiền, hạn (ngày làm việc), tiền đang nằm ở tài khoản nào của sổ. Một việc về một khoản chỉ có một ngoại lệ đang mở. Ngoại lệ không đóng được khi tiền của nó còn nằm ở 338, 339, 341; xử lý một phần thì ngoại lệ mở tiếp với số còn lại.

```
hub fee exceptions                                  # gấp nhất đứng trước
hub fee exceptions show ex_…                        # đã thấy gì, được làm gì, ai đã làm gì
hub fee exceptions assign ex_… chuyen.vien.a        # giao người
hub fee resolve ex_… assign --set demand=HC… -r "…" # người thứ nhất: đề nghị
hub fee resolve ex_… assign --set demand=HC… -r "…" # người thứ hai, từ tài khoản của mình: đồng ý
hub fee exceptions withdraw ex_… -r "…"             # rút lại, hoặc người thứ hai không đồng ý
hub fee exceptions carry ex_… -r "…"                # treo sang kỳ sau: ngày khóa được, ngoại lệ vẫn mở
hub fee exceptions report HC… HC… -r "…"            # nộp nhầm hồ sơ: khoản đã nộp, và hồ sơ đúng
hub fee exceptions reopen ex_… -r "…"               # mở lại ngoại lệ; việc đã ghi sổ vẫn giữ
```

Ai được đề nghị (`propose`), ai được đồng ý (`agree`): `[[clerks]]` trong `fees.toml`; việc chỉ cần một người thì ai có tên ở đó đều làm được. Việc không làm được (sai mã, tiền đã có chỗ, chưa ai lập khoản hoàn) thì không đề nghị được: lệnh nói ngay vì sao và không ghi gì. Người thứ hai phải nói đúng như người thứ nhất và không được là cùng một người; cơ sở dữ liệu cũng không cho. Với `refund`, `return_to_sender`, người đã lập khoản hoàn (`hub fee refund`) là người thứ nhất: người khác chỉ cần nói một lần. Khi người thứ hai đồng ý, mọi điều kiện được xét lại: tiền đã đi chỗ khác thì lệnh bị từ chối (mã thoát 5). Tiền đã báo có mà chưa có trên sao kê thành ngoại lệ N01 lúc khóa ngày; lập và duyệt lệnh chuyển cho cơ quan đều nói rõ số tiền đó. Bút toán ghi vào ngày đang mở, không bao giờ vào ngày đã khóa. Ngoại lệ mở lại khi tiền của nó đã rời 338, 339, 341 thì đóng bằng `noted`.
"""  # noqa: E501 - a paragraph is a line


def page() -> str:
    """The page, in Markdown."""
    levels = ", ".join(f"từ {grouped(least)} đ: {level}" for least, level in SEVERITY)
    return "\n".join(
        [
            _INTRO,
            f"Mức: {levels}; còn lại: 4; L01–L04 luôn là 1. Trạng thái: "
            + ", ".join(f"`{state}` {label}" for state, label in STATES.items())
            + ".",
            "",
            "## Các mã",
            "",
            "| Mã | Nghĩa | Tiền nằm ở | Hạn (ngày làm việc) | Được làm | Nếu không ai làm gì |",
            "| --- | --- | --- | --- | --- | --- |",
            *(_row(code.value, about) for code, about in CODES.items()),
            "",
            "## Các cách xử lý",
            "",
            "| Cách | Nghĩa | Số người | Phải nói rõ |",
            "| --- | --- | --- | --- |",
            *(
                f"| `{one.name}` | {one.label_vi} | {one.persons} | {_options(one.details)} |"
                for one in RESOLUTIONS.values()
            ),
            "",
            "`kind` của `not_fee`: " + ", ".join(f"`{name}` {label}" for name, label in KINDS.items()) + ".",
            "",
        ]
    )


def _row(code: str, about: ExceptionDescription) -> str:
    days = str(about.days) if about.days else "ngay"
    ways = [*(f"`{name}`" for name in about.resolutions), about.elsewhere]
    done = "; ".join(way for way in ways if way)
    return f"| {code} | {vi(about.title)} | {about.sits or '–'} | {days} | {done} | {about.otherwise} |"


def _options(details: tuple[str, ...]) -> str:
    return ", ".join(f"`--set {name}=…`" for name in details) or "–"
