"""An amount of đồng in Vietnamese words, as receipts have to say it (NĐ 254/2026: in figures and in words).

The readings that the language has more than one of are settled here, so that one amount has one text: "nghìn" and
"linh" (not "ngàn", "lẻ"), "mốt", "tư" and "lăm" behind a ten of its own, "không trăm" for a missing hundred, and groups
of three zeros unsaid.
"""

from typing import Final

from schemas.values import MOST

DIGITS: Final = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
BEHIND_TENS: Final = {1: "mốt", 4: "tư", 5: "lăm"}
"""units that sound otherwise behind hai mươi to chín mươi"""
_BILLION: Final = 10**9
_GROUPS: Final = ((10**6, "triệu"), (10**3, "nghìn"), (1, ""))


def in_words(amount: int) -> str:
    """``amount`` as a sentence begins: "Một trăm năm mươi nghìn đồng". Raises ValueError outside 0 to 10^15."""
    if not 0 <= amount <= MOST:
        raise ValueError("an amount is between 0 and 10^15 đồng")
    words = " ".join(_number(amount, behind=False) or [DIGITS[0]])
    return f"{words[0].upper()}{words[1:]} đồng"


def _number(number: int, *, behind: bool) -> list[str]:
    """``behind``: something was said before it, so that its hundred has to be said too."""
    words: list[str] = []
    billions, rest = divmod(number, _BILLION)
    if billions:
        words += [*_number(billions, behind=behind), "tỷ"]
    for size, name in _GROUPS:
        group, rest = divmod(rest, size)
        if group:
            words += [*_group(group, behind=behind or bool(words)), *([name] if name else [])]
    return words


def _group(group: int, *, behind: bool) -> list[str]:
    """Three digits."""
    hundreds, tens, units = group // 100, group // 10 % 10, group % 10
    words = [DIGITS[hundreds], "trăm"] if hundreds or behind else []
    if tens == 1:
        words.append("mười")
    elif tens:
        words += [DIGITS[tens], "mươi"]
    elif units and words:
        words.append("linh")
    if units:
        words.append(_unit(units, tens))
    return words


def _unit(units: int, tens: int) -> str:
    if tens > 1:
        return BEHIND_TENS.get(units, DIGITS[units])
    return "lăm" if tens == 1 and units == 5 else DIGITS[units]  # noqa: PLR2004 - the digit five
