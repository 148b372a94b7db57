"""Payment orders without a database: who may be paid, what the bank's file says, which moves there are."""

import csv
import io
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hub import migrations
from hub.fees.ledger.normalise import normalise
from hub.fees.payouts import order_paper
from hub.fees.payouts.orders import LIFECYCLE, OrderState, Payee, PaymentOrder
from hub.fees.reconciliation.matching.references import MatchMethod, references
from schemas.payment_reference import LAST_SERIAL, PaymentReference

SQL = Path(migrations.__file__).parent / "versions" / "0001_baseline.sql"


def an_order(reference: str = "LC000000000131", holder: str = "Đặng Thị Thử") -> PaymentOrder:
    return PaymentOrder(
        id="po_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        purpose="refund",
        subject_id="rf_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        reference=reference,
        account="1020304050607",
        amount=150_000,
        payee=Payee(bank_bin="970436", account="0011223344", holder=holder),
        state=OrderState.APPROVED,
        maker="ke-toan-a",
        checker="ke-toan-b",
        reason="nộp hai lần",
        requested_at=datetime(2026, 11, 20, 1, tzinfo=UTC),
        approved_at=datetime(2026, 11, 20, 2, tzinfo=UTC),
        sent_at=None,
        settled_at=None,
        line_id=None,
        returned_line_id=None,
    )


def test_the_database_has_the_moves_of_the_lifecycle_and_no_other() -> None:
    function = SQL.read_text(encoding="utf-8").partition("CREATE FUNCTION move_order()")[2]
    check = re.search(r"NEW\.state\) NOT IN \((.*?)\) THEN", function, re.DOTALL)
    assert check is not None

    moves = set(re.findall(r"\('(\w+)', '(\w+)'\)", check[1]))

    assert moves == {(before.value, after.value) for before, many in LIFECYCLE.moves.items() for after in many}


@pytest.mark.parametrize(
    "change", [{"bank_bin": "97043"}, {"account": "12 34"}, {"account": "=1+1"}, {"holder": "…"}, {"holder": ""}]
)
def test_a_payee_that_no_bank_could_pay_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Payee(**({"bank_bin": "970436", "account": "0011223344", "holder": "A"} | change))


@given(st.text(min_size=1, max_size=40))
def test_a_holder_is_written_in_capitals_without_marks_and_never_as_a_formula(name: str) -> None:
    try:
        holder = Payee(bank_bin="970436", account="0011223344", holder=name).holder
    except ValidationError:
        return
    assert re.fullmatch(r"[A-Z0-9]+( [A-Z0-9]+)*", holder)


def test_the_bank_s_file_is_the_same_bytes_for_the_same_orders() -> None:
    orders = [an_order(), an_order("LC000000000228")]

    written = order_paper.table(orders)

    assert written == order_paper.table(orders)
    assert written.startswith(b"\xef\xbb\xbf")
    assert [row["Nội dung"] for row in csv.DictReader(io.StringIO(written.decode("utf-8-sig")))] == [
        "LC000000000131 HOAN TRA PHI LE PHI",
        "LC000000000228 HOAN TRA PHI LE PHI",
    ]


def test_a_paper_says_who_asked_and_who_agreed() -> None:
    printed = order_paper.printed(an_order())

    assert "150.000 đồng" in printed
    assert re.search(r"Bằng chữ +Một trăm năm mươi nghìn đồng", printed)
    assert re.search(r"Người lập +ke-toan-a, 20/11/2026 08:00", printed)
    assert re.search(r"Người duyệt +ke-toan-b, 20/11/2026 09:00", printed)


@given(st.integers(0, LAST_SERIAL), st.sampled_from(["", "CT DI ", "MBVCB.123456.", "HOAN TRA LENH"]))
def test_what_we_write_we_read_again_and_never_as_a_payment_to_us(serial: int, before: str) -> None:
    order = an_order(str(PaymentReference.issued("LC", serial)))
    text = normalise(before + order.content)

    sure = [clue.value for clue in references(text, ("LC",)) if clue.how in (MatchMethod.STRICT, MatchMethod.REPAIRED)]

    assert order.reference in sure
    assert not [
        clue for clue in references(text, ("HC",)) if clue.how is MatchMethod.STRICT and clue.value.startswith("HC")
    ]
