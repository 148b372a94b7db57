"""How moments and numbers are written on an official form (NĐ 30/2020/NĐ-CP, Annex I)."""

from datetime import datetime
from typing import Final

from hub.clock import local
from schemas.figures import grouped

_TEN: Final = 10
_FEBRUARY: Final = 2


def day(moment: datetime) -> str:
    """ngày 05 tháng 01 năm 2026: days below ten and the first two months are written with a nought before them."""
    there = local(moment)
    month = f"{there.month:02}" if there.month <= _FEBRUARY else str(there.month)
    return f"ngày {there.day:02} tháng {month} năm {there.year}"


def hour_and_day(moment: datetime) -> str:
    """08 giờ 15 phút, ngày 24 tháng 11 năm 2026."""
    there = local(moment)
    return f"{there.hour:02} giờ {there.minute:02} phút, {day(moment)}"


def signing_time(moment: datetime) -> str:
    """24/11/2026 08:15:02 +07:00: the time beside a digital signature, to the second and with its zone."""
    there = local(moment)
    return f"{there:%d/%m/%Y %H:%M:%S} {there:%z}"[:-2] + ":" + f"{there:%z}"[-2:]


def amount(number: int) -> str:
    """1.250.000, with a minus before it where it is below zero, and a dash for nothing."""
    return grouped(number).replace("-", "\u2212") if number else "–"


def money(amount: int) -> str:
    """1.250.000 ₫, with a space that does not break the line."""
    return grouped(amount).replace("-", "\u2212") + "\u00a0₫"


def groups_of_eight(digest: str) -> str:
    """A hash or a serial number in groups, so that a line may end between two and an eye can compare them."""
    return " ".join(digest[start : start + 8] for start in range(0, len(digest), 8))
