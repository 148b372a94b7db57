"""VietQR: published texts are read and written again letter by letter; nothing that is wrong is read."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.fees.demands import payer_notice
from hub.fees.demands.payer_notice import LONGEST_PURPOSE, TO_CARD, NotVietQr, PayerTransfer, decode, encode

# NAPAS's format document, two public libraries, and our own design notes; each with its check sum as published.
PUBLISHED = {
    "00020101021138570010A00000072701270006970403011300110123456780208QRIBFTTA53037045802VN63049E6F": PayerTransfer(
        "970403", "0011012345678", None, once=False
    ),
    "00020101021238570010A00000072701270006970403011300110123456780208QRIBFTTA530370454061800005802VN62340107NPS68690819"
    "thanh toan don hang63042E2E": PayerTransfer(
        "970403", "0011012345678", 180_000, purpose="thanh toan don hang", bill="NPS6869"
    ),
    "00020101021138600010A00000072701300006970403011697040311012345670208QRIBFTTC53037045802VN63044F52": PayerTransfer(
        "970403", "9704031101234567", None, service=TO_CARD, once=False
    ),
    "00020101021238530010A0000007270123000697041601092245284790208QRIBFTTA53037045405100005802VN62340107NPS68690819"
    "TRANSFER TO SOMEONE6304AC13": PayerTransfer(
        "970416", "224528479", 10_000, purpose="TRANSFER TO SOMEONE", bill="NPS6869"
    ),
    "00020101021238530010A0000007270123000697042201091234567890208QRIBFTTA530370454062600005802VN62150811"
    "BOXAIABC12363046EEB": PayerTransfer("970422", "123456789", 260_000, purpose="BOXAIABC123"),
    "00020101021238580010A000000727012800069704180114123100012345670208QRIBFTTA530370454061500005802VN62290825"
    "000.00.16.H42-200923-00016304F8AD": PayerTransfer(
        "970418", "12310001234567", 150_000, purpose="000.00.16.H42-200923-0001"
    ),
}

PRINTABLE = "".join(sign for sign in string.printable if sign.isprintable())
TRANSFERS = st.builds(
    PayerTransfer,
    bin=st.text("0123456789", min_size=6, max_size=6),
    account=st.text(string.digits + string.ascii_uppercase, min_size=1, max_size=30),
    amount=st.none() | st.integers(1, 10**13 - 1),
    purpose=st.text(PRINTABLE, max_size=LONGEST_PURPOSE),
    bill=st.text(PRINTABLE, max_size=25),
    service=st.sampled_from([payer_notice.TO_ACCOUNT, payer_notice.TO_CARD]),
    once=st.booleans(),
)


@pytest.mark.parametrize(("text", "transfer"), PUBLISHED.items(), ids=[text[-4:] for text in PUBLISHED])
def test_a_published_text_is_read_and_written_again(text: str, transfer: PayerTransfer) -> None:
    assert decode(text) == transfer
    assert encode(transfer) == text


@given(TRANSFERS)
def test_what_is_written_is_read_again(transfer: PayerTransfer) -> None:
    assert decode(encode(transfer)) == transfer


@given(TRANSFERS, st.data())
def test_one_wrong_character_is_never_read_as_another_transfer(transfer: PayerTransfer, data: st.DataObject) -> None:
    text = encode(transfer)
    at = data.draw(st.integers(0, len(text) - 1))
    wrong = data.draw(st.sampled_from([sign for sign in PRINTABLE if sign != text[at]]))

    with pytest.raises(NotVietQr):
        decode(text[:at] + wrong + text[at + 1 :])


@given(st.text() | st.text("0123456789", min_size=4).map(lambda text: f"{text}6304{payer_notice._crc(text + '6304')}"))
def test_what_is_no_transfer_is_refused_whatever_it_is(text: str) -> None:
    with pytest.raises(NotVietQr):
        decode(text)


@given(TRANSFERS, st.data())
def test_a_text_that_is_cut_off_is_refused(transfer: PayerTransfer, data: st.DataObject) -> None:
    text = encode(transfer)

    with pytest.raises(NotVietQr):
        decode(text[: data.draw(st.integers(0, len(text) - 1))])


@pytest.mark.parametrize(
    "transfer",
    [
        PayerTransfer("97041", "1234", 1),
        PayerTransfer("97041８", "1234", 1),
        PayerTransfer("970418", "", 1),
        PayerTransfer("970418", "1234", 0),
        PayerTransfer("970418", "1234", -1),
        PayerTransfer("970418", "1234", 10**13),
        PayerTransfer("970418", "1234", 1, purpose="x" * 26),
        PayerTransfer("970418", "1234", 1, purpose="lệ phí"),
        PayerTransfer("970418", "1234", 1, purpose="a\nb"),
        PayerTransfer("970418", "1" * 100, 1),
    ],
)
def test_what_no_field_can_hold_is_not_written(transfer: PayerTransfer) -> None:
    with pytest.raises(NotVietQr):
        encode(transfer)


def test_a_field_that_stands_twice_is_refused() -> None:
    twice = "000201" + "5802VN" * 2
    with pytest.raises(NotVietQr, match="stands twice"):
        decode(f"{twice}6304{payer_notice._crc(twice + '6304')}")
