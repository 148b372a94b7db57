"""References and dossier codes in a remittance text. Pure and fast; what is found has the right check digits, always.

Three ways in which a reference is found, from the surest on: ``strict`` as it was issued; ``repaired`` with look-alikes
read as digits (O 0, I L 1, S 5, B 8) or torn apart; ``unprefixed`` without one or both of its letters. Whether it is
anybody's reference, open, and of that amount is for the passes to see.

For proposals only, an ``Index`` finds references that a text almost holds: at most two wrong, missing, added or swapped
characters. The twelve digits of every open reference are cut into four pieces of three. Two errors spoil two pieces at
the most, so the other two stand in the text, nearly as far from one another as they should: they are looked up as a
pair, and only what is found there is compared letter by letter.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import combinations
from typing import Final

from hub.fees.ledger.normalise import Text
from schemas.payment_reference import LENGTH, is_reference

DIGITS: Final = LENGTH - 2
LOOKALIKES: Final = {"O": "0", "I": "1", "L": "1", "S": "5", "B": "8"}
AS_DIGITS: Final = str.maketrans(LOOKALIKES)
_DIGIT: Final = "[0-9OILSB]"
_FOREIGN: Final = re.compile(r"(?<![A-Z0-9])[A-Z]{2}[0-9]{12}(?![A-Z0-9])")
_RUN: Final = re.compile(rf"(?<!{_DIGIT}){_DIGIT}{{{DIGITS}}}")
_FIRST_DIGIT: Final = re.compile(r"(?<![0-9])[0-9]")
_MOST_LOOKALIKES: Final = 4
"""A run with more letters than this is a word."""
_DOSSIER: Final = re.compile(r"(?=((?:(?<![0-9])[0-9]{7})?[A-Y][0-9]{2}[0-9]{10,20}))")
_QCVN_HEAD: Final = 10  # 000.00.01.H42 without its dots
_QD20_HEADS: Final = (3, 5, 7, 9, 11)  # H42, H42.16 and deeper, without their dots
_DATE_AND_SERIAL: Final = re.compile(r"[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{4}")


class MatchMethod(StrEnum):
    """How a clue stands in the text; the order is that of trust."""

    STRICT = "strict"
    REPAIRED = "repaired"
    UNPREFIXED = "unprefixed"


@dataclass(frozen=True, slots=True)
class Clue:
    """``value`` is what the text names; ``shown`` what stands there, so that a person sees the repair."""

    value: str
    how: MatchMethod
    shown: str


def references(text: Text, prefixes: tuple[str, ...]) -> list[Clue]:
    """The references in ``text``, each once, the surest reading of it. ``prefixes``: the letters of ours.

    Of other prefixes only what is written exactly: to say that it is somebody else's.
    """
    clues: dict[str, Clue] = {}
    for clue in _all(text, prefixes):
        clues.setdefault(clue.value, clue)
    return list(clues.values())


def _all(text: Text, prefixes: tuple[str, ...]) -> Iterator[Clue]:
    strict, torn = _patterns(prefixes)
    for match in strict.finditer(text.spaced):
        yield from _checked(match[0], MatchMethod.STRICT, match[0])
    for match in _FOREIGN.finditer(text.spaced):
        if match[0][:2] not in prefixes:
            yield from _checked(match[0], MatchMethod.STRICT, match[0])
    for prefix, pattern in torn:
        for match in pattern.finditer(text.squeezed):
            digits = match[1][2:]
            if _lookalikes(digits) <= _MOST_LOOKALIKES:
                yield from _checked(prefix + digits.translate(AS_DIGITS), MatchMethod.REPAIRED, match[1])
    for run in _runs(text):
        for prefix in prefixes:
            yield from _checked(prefix + run.translate(AS_DIGITS), MatchMethod.UNPREFIXED, run)


@lru_cache(maxsize=16)
def _patterns(prefixes: tuple[str, ...]) -> tuple[re.Pattern[str], tuple[tuple[str, re.Pattern[str]], ...]]:
    strict = re.compile(rf"(?:{'|'.join(prefixes)})[0-9]{{{DIGITS}}}(?![0-9])")
    torn = tuple((prefix, re.compile(rf"(?=({_alike(prefix)}{_DIGIT}{{{DIGITS}}}))")) for prefix in prefixes)
    return strict, torn


def _alike(prefix: str) -> str:
    return "".join(f"[{letter}{LOOKALIKES.get(letter, '')}]" for letter in prefix)


def _checked(value: str, how: MatchMethod, shown: str) -> Iterator[Clue]:
    if is_reference(value):
        yield Clue(value, how, shown)


def _lookalikes(digits: str) -> int:
    return sum(sign in LOOKALIKES for sign in digits)


def _runs(text: Text) -> Iterator[str]:
    """Twelve digits from where a word begins, or where digits begin in it. Not from the middle of a longer number."""
    seen: set[str] = set()
    for start in _starts(text):
        run = text.squeezed[start : start + DIGITS]
        if run not in seen and _RUN.fullmatch(run) and _lookalikes(run) <= _MOST_LOOKALIKES:
            seen.add(run)
            yield run


def _starts(text: Text) -> Iterable[int]:
    yield from (match.start() for match in _RUN.finditer(text.squeezed))
    yield from (match.start() for match in _FIRST_DIGIT.finditer(text.squeezed))
    at = 0
    for word in text.spaced.split(" "):
        yield at
        at += len(word)


def dossier_codes(text: Text) -> list[str]:
    """The dossier codes in ``text``, squeezed (000.00.01.H42-261124-0001 → 0000001H422611240001), each once."""
    codes: dict[str, None] = {}
    for match in _DOSSIER.finditer(text.squeezed):
        heads = (_QCVN_HEAD,) if match[1][0].isdigit() else _QD20_HEADS
        for head in heads:
            tail = match[1][head : head + 10]
            if _DATE_AND_SERIAL.fullmatch(tail):
                codes.setdefault(match[1][:head] + tail)
    return list(codes)


MOST_ERRORS: Final = 2
MOST_FOUND: Final = 20
"""A text that is near to more references than this says nothing."""
_PIECE: Final = 3
_PAIRS: Final = tuple(combinations(range(0, DIGITS, _PIECE), 2))
_GAPS: Final = tuple(range(_PIECE, DIGITS, _PIECE))


@dataclass(frozen=True, slots=True)
class Near:
    reference: str
    errors: int


class Index:
    """The references that may be meant."""

    def __init__(self, references: Iterable[str]) -> None:
        self._by_gap: dict[int, dict[str, list[tuple[str, int]]]] = {gap: {} for gap in _GAPS}
        for reference in references:
            digits = reference[LENGTH - DIGITS :]
            for first, second in _PAIRS:
                key = digits[first : first + _PIECE] + digits[second : second + _PIECE]
                self._by_gap[second - first].setdefault(key, []).append((reference, first))

    def near(self, text: Text) -> list[Near]:
        """The references within two errors, nearest first, then by their digits."""
        read = text.squeezed.translate(AS_DIGITS)
        best: dict[str, int] = {}
        for reference, start in self._candidates(read):
            errors = _errors(reference[LENGTH - DIGITS :], read[max(0, start - MOST_ERRORS) : start + DIGITS + 4])
            if errors <= MOST_ERRORS and errors < best.get(reference, LENGTH):
                best[reference] = errors
        nearest = sorted((errors, reference) for reference, errors in best.items())
        return [Near(reference, errors) for errors, reference in nearest[:MOST_FOUND]]

    def _candidates(self, read: str) -> Iterator[tuple[str, int]]:
        pieces = {at: piece for at in range(len(read) - _PIECE + 1) if (piece := read[at : at + _PIECE]).isdecimal()}
        for at, piece in pieces.items():
            for gap, known in self._by_gap.items():
                for other in range(at + gap - MOST_ERRORS, at + gap + MOST_ERRORS + 1):
                    if other in pieces:
                        for reference, first in known.get(piece + pieces[other], ()):
                            yield reference, at - first


def _errors(reference: str, within: str) -> int:
    """The fewest insertions, deletions and substitutions that turn some part of ``within`` into ``reference``.

    Myers' bit vectors (JACM 46(3), 1999): a column of the table is two integers, ``up`` and ``down``.
    """
    places: dict[str, int] = {}
    for at, sign in enumerate(reference):
        places[sign] = places.get(sign, 0) | 1 << at
    whole, last = (1 << len(reference)) - 1, 1 << (len(reference) - 1)
    up, down, errors = whole, 0, len(reference)
    best = errors
    for sign in within:
        equal = places.get(sign, 0)
        across = equal | down
        equal |= ((equal & up) + up) ^ up
        grows, shrinks = down | ~(equal | up) & whole, up & equal
        errors += bool(grows & last) - bool(shrinks & last)
        grows, shrinks = grows << 1 & whole, shrinks << 1 & whole
        up, down = shrinks | ~(across | grows) & whole, grows & across
        best = min(best, errors)
    return best
