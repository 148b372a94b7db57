"""What a payer is told of a demand: where it stands in words of theirs, what is left to pay, and how."""

import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from hub.fees.demands.model import COLLECTING, Amounts, Demand, DemandStatusCode
from schemas.portal import FeeNotice

NAPAS: Final = "A000000727"
TO_ACCOUNT: Final = "QRIBFTTA"
TO_CARD: Final = "QRIBFTTC"
DONG: Final = "704"
LONGEST_PURPOSE: Final = 25
"""characters; what banks cut off is what we need"""
_LONGEST: Final = 99
_CRC: Final = "6304"
_MOST: Final = 10**13 - 1
"""field 54 has thirteen characters"""

Fields = dict[str, str]


class NotVietQr(ValueError):
    """The text is no VietQR transfer; the message says why."""


@dataclass(frozen=True, slots=True)
class PayerTransfer:
    """What the payer's app fills in. ``amount`` in đồng; None: the payer says. ``purpose``, ``bill``: empty: none."""

    bin: str
    account: str
    amount: int | None
    purpose: str = ""
    bill: str = ""
    service: str = TO_ACCOUNT
    once: bool = True
    """for this one payment (dynamic); False: printed on a wall"""


def encode(transfer: PayerTransfer) -> str:
    """The text of ``transfer``. Raises NotVietQr for what no field can hold."""
    if len(transfer.bin) != 6 or not _is_number(transfer.bin):  # noqa: PLR2004 - a bank's number in NAPAS's list
        raise NotVietQr("a bank's number has six digits")
    if not transfer.account:
        raise NotVietQr("there is no account")
    if transfer.amount is not None and not 0 < transfer.amount <= _MOST:
        raise NotVietQr("an amount is a number of dong above nothing, of 13 digits at most")
    if len(transfer.purpose) > LONGEST_PURPOSE:
        raise NotVietQr(f"a purpose has {LONGEST_PURPOSE} characters at most")
    beneficiary = _join([("00", transfer.bin), ("01", transfer.account)])
    text = _join(
        [
            ("00", "01"),
            ("01", "12" if transfer.once else "11"),
            ("38", _join([("00", NAPAS), ("01", beneficiary), ("02", transfer.service)])),
            ("53", DONG),
            ("54", "" if transfer.amount is None else str(transfer.amount)),
            ("58", "VN"),
            ("62", _join([("01", transfer.bill), ("08", transfer.purpose)])),
        ]
    )
    return f"{text}{_CRC}{_crc(text + _CRC)}"


def decode(text: str) -> PayerTransfer:
    """The transfer that ``text`` asks for. Raises NotVietQr, also where a bank's app might still read it."""
    body, check = text[:-4], text[-4:]
    if not body.endswith(_CRC) or not body.isascii():
        raise NotVietQr("it does not end in a check sum")
    if check != _crc(body):
        raise NotVietQr("the check sum is wrong")
    fields = _split(body[: -len(_CRC)])
    _expect(fields, {"00": {"01"}, "01": {"11", "12"}, "53": {DONG}, "58": {"VN"}})
    napas = _split(fields.get("38", ""))
    _expect(napas, {"00": {NAPAS}, "02": {TO_ACCOUNT, TO_CARD}})
    beneficiary = _split(napas.get("01", ""))
    more = _split(fields.get("62", ""))
    amount = fields.get("54")
    if amount is not None and (not _is_number(amount) or amount.startswith("0")):
        raise NotVietQr("the amount is not a whole number of dong")
    return PayerTransfer(
        bin=beneficiary.get("00", ""),
        account=beneficiary.get("01", ""),
        amount=None if amount is None else int(amount),
        purpose=more.get("08", ""),
        bill=more.get("01", ""),
        service=napas["02"],
        once=fields["01"] == "12",
    )


def _crc(text: str) -> str:
    return f"{binascii.crc_hqx(text.encode('ascii'), 0xFFFF):04X}"


def _join(fields: Iterable[tuple[str, str]]) -> str:
    """The fields that hold something, one behind the other."""
    return "".join(_field(tag, value) for tag, value in fields if value)


def _field(tag: str, value: str) -> str:
    if len(value) > _LONGEST:
        raise NotVietQr(f"field {tag} is longer than {_LONGEST} characters")
    if not (value.isascii() and value.isprintable()):
        raise NotVietQr(f"field {tag} holds more than printable ASCII")
    return f"{tag}{len(value):02}{value}"


def _split(text: str) -> Fields:
    fields: Fields = {}
    for tag, value in _parts(text):
        if tag in fields:
            raise NotVietQr(f"field {tag} stands twice")
        fields[tag] = value
    return fields


def _parts(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        head = text[at : at + 4]
        if len(head) < 4 or not _is_number(head):  # noqa: PLR2004 - two digits of tag, two of length
            raise NotVietQr("a field begins with two digits of tag and two of length")
        end = at + 4 + int(head[2:])
        if end > len(text):
            raise NotVietQr(f"field {head[:2]} is shorter than it says")
        yield head[:2], text[at + 4 : end]
        at = end


def _expect(fields: Fields, allowed: dict[str, set[str]]) -> None:
    for tag, values in allowed.items():
        if fields.get(tag) not in values:
            raise NotVietQr(f"field {tag} is not {' or '.join(sorted(values))}")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


PAID: Final = frozenset({DemandStatusCode.PAID_UNCONFIRMED, DemandStatusCode.PAID, DemandStatusCode.SETTLED})
"""The payer has done their part; what we still compare is ours."""


def word(status: DemandStatusCode) -> str:
    """The status as a payer sees it."""
    return DemandStatusCode.PAID.value if status in PAID else status.value


def differs(before: Amounts, after: Amounts) -> bool:
    """Whether a payer sees a difference."""
    return (word(before.status), before.outstanding) != (word(after.status), after.outstanding)


def notice(demand: Demand) -> FeeNotice:
    """What the portal hears."""
    return FeeNotice(
        demand_id=demand.id,
        status=word(DemandStatusCode(demand.status)),
        amount_due=demand.amount_due,
        outstanding=demand.outstanding,
        reference=demand.reference,
        qr=qr(demand),
        expires_at=demand.expires_at,
    )


def qr(demand: Demand) -> str | None:
    """The VietQR text for what is outstanding; None while money that came would not count."""
    if demand.status not in COLLECTING:
        return None
    return encode(PayerTransfer(demand.bank_bin, demand.account, demand.outstanding, purpose=demand.reference))
