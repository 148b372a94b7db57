"""What is believed of a delivery: signed by a key in force, fresh, whole, as the contract writes it; nothing else."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.banks.notifications.dialect import Key, NotificationRequest, NotificationVerdict
from hub.clock import now
from schemas.payment import Notification, NotificationKind
from tests.notices import LOCAL, SENDERS, NoticeDraft, rsa_pair
from tests.unit.connectors.notifications import EACH, SECRET, contract_of, delivery, judged, sent

AT = now()
SAID = NoticeDraft(signed_at=AT)
each_dialect = pytest.mark.parametrize("dialect", EACH)
NUMBERS = ["payos", "casso", "sepay", "momo", "signed-json"]
"""write an amount as a number"""
DIGITS = ["vnpay", "national", "keypay"]
AMOUNT = {
    "vnpay": "vnp_Amount",
    "national": "SoTien",
    "keypay": "trans_amount",
    "payos": "amount",
    "casso": "amount",
    "sepay": "transferAmount",
    "momo": "amount",
    "signed-json": "amount",
}
TIMES = {
    "vnpay": ("vnp_PayDate", "{:04}0101000000"),
    "national": ("ThoiGianGD", "{:04}0101000000"),
    "payos": ("transactionDateTime", "{:04}-01-01 00:00:00"),
    "casso": ("transactionDateTime", "{:04}-01-01 00:00:00"),
    "sepay": ("transactionDate", "{:04}-01-01 00:00:00"),
    "signed-json": ("time", "{:04}-01-01T00:00:00+07:00"),
}
"""the field in which the movement's time stands, and how; MoMo counts milliseconds"""
ALL_SIGNED = ["sepay", "signed-json"]
"""sign the raw bytes: not one of them can change"""


@each_dialect
def test_what_is_signed_is_read(dialect: str) -> None:
    judgement = judged(dialect, sent(dialect, SAID), at=AT)

    assert isinstance(judgement, Notification)
    assert (judgement.kind, judgement.amount, judgement.currency, judgement.account) == (
        NotificationKind.PAYMENT,
        150_000,
        "VND",
        SAID.account,
    )
    assert SAID.reference in f"{judgement.reference} {judgement.text}"
    if dialect == "keypay":
        assert judgement.paid_at is None
    else:
        assert judgement.paid_at == datetime(2026, 11, 24, 8, 15, 2, tzinfo=LOCAL)


@each_dialect
def test_another_secret_is_refused(dialect: str) -> None:
    secret = rsa_pair("stranger")[0] if dialect == "signed-json" else SECRET[:-1]
    assert judged(dialect, sent(dialect, SAID, secret), at=AT) is NotificationVerdict.BAD_SIGNATURE


@each_dialect
def test_nothing_signed_is_refused(dialect: str) -> None:
    came = sent(dialect, SAID)
    bare = {name: value for name, value in came.headers.items() if "signature" not in name}
    document = {} if dialect == "vnpay" else json.loads(came.body)
    for name in ("MaXacThuc", "check_sum", "signature"):
        document.pop(name, None)
    query = came.query.partition(b"&vnp_SecureHash")[0]
    judgement = judged(
        dialect, NotificationRequest(query, bare, json.dumps(document).encode() if document else b""), at=AT
    )
    assert judgement is NotificationVerdict.BAD_SIGNATURE


@each_dialect
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_changed_byte_is_refused_or_changes_nothing_that_is_believed(dialect: str, data: st.DataObject) -> None:
    came = sent(dialect, SAID)
    true = judged(dialect, came, at=AT)
    part = came.query if dialect == "vnpay" else came.body
    place = data.draw(st.integers(0, len(part) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != part[place]))
    spoilt = part[:place] + bytes([byte]) + part[place + 1 :]
    changed = (
        NotificationRequest(spoilt, came.headers, b"")
        if dialect == "vnpay"
        else NotificationRequest(b"", came.headers, spoilt)
    )
    judgement = judged(dialect, changed, at=AT)

    if dialect in ALL_SIGNED:
        assert judgement is NotificationVerdict.BAD_SIGNATURE
    elif dialect == "keypay" and isinstance(judgement, Notification):
        # check_sum does not cover status: success is not proven, and everything else is the same.
        assert not judgement.proven
        assert isinstance(true, Notification)
        assert judgement.model_copy(update={"kind": true.kind}) == true
    else:
        assert judgement == true or judgement in (NotificationVerdict.BAD_SIGNATURE, NotificationVerdict.MALFORMED)


@pytest.mark.parametrize("dialect", ALL_SIGNED)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_the_bytes_of_the_time_and_the_signature_are_bound_too(dialect: str, data: st.DataObject) -> None:
    came = sent(dialect, SAID)
    name = data.draw(st.sampled_from(sorted(came.headers)))
    value = came.headers[name]
    place = data.draw(st.integers(0, len(value) - 1))
    sign = data.draw(
        st.sampled_from("0123456789abcdefXYZ+/=").filter(lambda sign: sign.lower() != value[place].lower())
    )
    headers = {**came.headers, name: value[:place] + sign + value[place + 1 :]}
    judgement = judged(dialect, replace(came, headers=headers), at=AT)
    assert judgement is NotificationVerdict.BAD_SIGNATURE


@pytest.mark.parametrize("dialect", ["casso", "sepay", "signed-json"])
@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_signed_time_six_minutes_off_is_stale(dialect: str, minutes: int) -> None:
    assert judged(dialect, sent(dialect, SAID), at=AT + timedelta(minutes=minutes)) is NotificationVerdict.STALE


@each_dialect
def test_while_a_key_is_replaced_both_are_believed_and_only_then(dialect: str) -> None:
    secrets = (
        [rsa_pair(name) for name in ("old", "new")] if dialect == "signed-json" else [("o" * 20,) * 2, ("n" * 20,) * 2]
    )
    (old_signs, old), (new_signs, new) = secrets
    day = timedelta(days=1)
    agreed = contract_of(
        dialect, Key("old", old, None, AT + day), Key("new", new, AT - day, None), tolerance_seconds=3600
    )

    def judgement(secret: str, at: datetime) -> Notification | NotificationVerdict:
        return judged(dialect, delivery(SENDERS[dialect](replace(SAID, signed_at=at), secret)), agreed, at)

    assert isinstance(judgement(old_signs, AT), Notification)
    assert isinstance(judgement(new_signs, AT), Notification)
    assert judgement(old_signs, AT + day) is NotificationVerdict.UNKNOWN_KEY
    assert judgement(new_signs, AT - 2 * day) is NotificationVerdict.UNKNOWN_KEY


@pytest.mark.parametrize("dialect", NUMBERS)
@pytest.mark.parametrize("amount", [0, -150_000, 150_000.5, 10**18, "50,000", "150000", None])
def test_an_amount_that_is_no_whole_number_of_dong_makes_no_event(dialect: str, amount: Any) -> None:
    assert (
        judged(dialect, sent(dialect, SAID.with_field(AMOUNT[dialect], amount)), at=AT) is NotificationVerdict.MALFORMED
    )


@pytest.mark.parametrize("dialect", DIGITS)
@pytest.mark.parametrize(
    "amount", ["0", "-15000000", "150000.5", "1" + "0" * 20, "50,000", "NaN", "", "015000000", "１５"]
)
def test_an_amount_that_is_no_digits_makes_no_event(dialect: str, amount: str) -> None:
    assert (
        judged(dialect, sent(dialect, SAID.with_field(AMOUNT[dialect], amount)), at=AT) is NotificationVerdict.MALFORMED
    )


@pytest.mark.parametrize("dialect", NUMBERS)
def test_not_a_number_makes_no_event(dialect: str) -> None:
    assert judged(dialect, sent(dialect, SAID.with_field(AMOUNT[dialect], float("nan"))), at=AT) in (
        NotificationVerdict.MALFORMED,
        NotificationVerdict.BAD_SIGNATURE,
    )


def test_a_vnpay_amount_that_is_not_whole_dong_is_refused() -> None:
    assert judged("vnpay", sent("vnpay", SAID.with_field("vnp_Amount", "15000050"))) is NotificationVerdict.MALFORMED


@pytest.mark.parametrize("dialect", sorted(set(EACH) - {"casso", "sepay"}))  # they tell of money that moved only
def test_a_failed_attempt_is_one(dialect: str) -> None:
    judgement = judged(dialect, sent(dialect, replace(SAID, failed=True)), at=AT)
    assert isinstance(judgement, Notification)
    assert judgement.kind is NotificationKind.FAILED


@pytest.mark.parametrize("dialect", ["vnpay", "national", "keypay", "momo"])
def test_what_is_meant_for_another_merchant_is_refused(dialect: str) -> None:
    assert judged(dialect, sent(dialect, replace(SAID, merchant="ANOTHER")), at=AT) is NotificationVerdict.MALFORMED


@pytest.mark.parametrize("dialect", [name for name in EACH if name != "vnpay"])
@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"nothing", b"\xff\xfe{}", b'{"a":"\x00"}', b'{"amount":1,"amount":2}', b"[" * 5000 + b"]" * 5000],
)
def test_what_is_no_document_is_refused_without_an_event(dialect: str, body: bytes) -> None:
    came = replace(sent(dialect, SAID), body=body)
    assert judged(dialect, came, at=AT) in (NotificationVerdict.MALFORMED, NotificationVerdict.BAD_SIGNATURE)


@pytest.mark.parametrize(
    "query", [b"", b"%ff", b"vnp_Amount", b"a=1&a=2", b"&".join(b"a%d=1" % n for n in range(50)), b"a=%00", b"\xff=1"]
)
def test_what_is_no_query_is_refused_without_an_event(query: bytes) -> None:
    assert judged("vnpay", NotificationRequest(query, {}, b"")) is NotificationVerdict.BAD_SIGNATURE


def test_a_vnpay_parameter_given_twice_is_refused_though_one_reading_of_it_is_signed() -> None:
    came = sent("vnpay", SAID)
    assert judged("vnpay", replace(came, query=b"vnp_Amount=1&" + came.query)) is NotificationVerdict.BAD_SIGNATURE


def test_a_bar_within_a_value_cannot_move_the_borders_of_what_the_national_platform_signed() -> None:
    """The same bytes would be signed if a value swallowed its neighbour and another were cut in two."""
    true = json.loads(sent("national", SAID.with_field("ThongTinGiaoDich", "HO SO|1")).body)
    shifted = true | {
        "MaGiaoDich": f"{true['MaGiaoDich']}|{true['MaNganHang']}",
        "MaNganHang": true["ThoiGianGD"],
        "ThoiGianGD": "HO SO",
        "ThongTinGiaoDich": "1",
    }
    assert isinstance(judged("national", NotificationRequest(b"", {}, json.dumps(true).encode())), Notification)
    assert (
        judged("national", NotificationRequest(b"", {}, json.dumps(shifted).encode())) is NotificationVerdict.MALFORMED
    )


@pytest.mark.parametrize("dialect", TIMES)
@pytest.mark.parametrize("year", [1, 1999, 2051, 2099, 9999])
def test_a_movement_outside_the_years_that_are_taken_makes_no_event(dialect: str, year: int) -> None:
    field, form = TIMES[dialect]
    assert (
        judged(dialect, sent(dialect, SAID.with_field(field, form.format(year))), at=AT)
        is NotificationVerdict.MALFORMED
    )


@pytest.mark.parametrize("milliseconds", [-(10**18), -1, 0, 946_684_799_999, 4_070_908_800_000, 10**18])
def test_so_does_one_of_momo_that_is_counted_in_milliseconds(milliseconds: int) -> None:
    came = sent("momo", SAID.with_field("responseTime", milliseconds))
    assert judged("momo", came, at=AT) is NotificationVerdict.MALFORMED


def test_money_that_goes_out_is_true_and_not_for_us() -> None:
    assert judged("sepay", sent("sepay", SAID.with_field("transferType", "out")), at=AT) is NotificationVerdict.IGNORED


def test_only_what_payos_signs_says_whether_it_succeeded() -> None:
    came = sent("payos", replace(SAID, failed=True))
    document = json.loads(came.body) | {"code": "00", "success": True, "desc": "success"}
    judgement = judged("payos", replace(came, body=json.dumps(document).encode()))
    assert isinstance(judgement, Notification)
    assert judgement.kind is NotificationKind.FAILED


def test_the_twelve_hour_clock_of_the_national_platform_is_taken_for_its_day() -> None:
    judgement = judged("national", sent("national", replace(SAID, at=datetime(2026, 11, 24, 14, 35, 2, tzinfo=LOCAL))))
    assert isinstance(judgement, Notification)
    assert judgement.paid_at is not None
    assert judgement.paid_at.astimezone(LOCAL).date() == datetime(2026, 11, 24, tzinfo=LOCAL).date()
