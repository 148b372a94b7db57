"""References that a text almost holds: at most two wrong, missing, added or swapped characters. For proposals only.

The twelve digits of every open reference are cut into four pieces of three. Two errors spoil two pieces at the most, so
the other two stand in the text, nearly as far from one another as they should: they are looked up as a pair, and only
what is found there is compared letter by letter.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from hub.fees.matching.normalise import Text
from hub.fees.matching.references import AS_DIGITS, DIGITS
from schemas.payment_reference import LENGTH

MOST_ERRORS: Final = 2
MOST_FOUND: Final = 20
"""A text that is near to more references than this says nothing."""
_PIECE: Final = 3
_PAIRS: Final = tuple(combinations(range(DIGITS // _PIECE), 2))


@dataclass(frozen=True, slots=True)
class Near:
    reference: str
    errors: int


class Index:
    """The references that may be meant."""

    def __init__(self, references: Iterable[str]) -> None:
        self._by_pair: list[dict[str, list[str]]] = [defaultdict(list) for _ in _PAIRS]
        for reference in references:
            digits = reference[LENGTH - DIGITS :]
            for pairs, (first, second) in zip(self._by_pair, _PAIRS, strict=True):
                pairs[_piece(digits, first * _PIECE) + _piece(digits, second * _PIECE)].append(reference)

    def near(self, text: Text) -> list[Near]:
        """The references within two errors, nearest first, then by their digits."""
        read = text.squeezed.translate(AS_DIGITS)
        best: dict[str, int] = {}
        for reference, start in self._candidates(read):
            errors = _errors(reference[LENGTH - DIGITS :], read[max(0, start - MOST_ERRORS) : start + DIGITS + 4])
            if errors <= MOST_ERRORS and errors < best.get(reference, LENGTH):
                best[reference] = errors
        found = sorted((errors, reference) for reference, errors in best.items())
        return [Near(reference, errors) for errors, reference in found[:MOST_FOUND]]

    def _candidates(self, read: str) -> Iterator[tuple[str, int]]:
        starts = [at for at in range(len(read) - _PIECE + 1) if read[at : at + _PIECE].isdecimal()]
        known = set(starts)
        for at in starts:
            piece = _piece(read, at)
            for pairs, (first, second) in zip(self._by_pair, _PAIRS, strict=True):
                gap = (second - first) * _PIECE
                for other in range(at + gap - MOST_ERRORS, at + gap + MOST_ERRORS + 1):
                    if other in known:
                        for reference in pairs.get(piece + _piece(read, other), ()):
                            yield reference, at - first * _PIECE


def _piece(text: str, at: int) -> str:
    return text[at : at + _PIECE]


def _errors(wanted: str, within: str) -> int:
    """The fewest insertions, deletions and substitutions that turn some part of ``within`` into ``wanted``."""
    row = [0] * (len(within) + 1)
    for done, sign in enumerate(wanted, start=1):
        above, row = row, [done]
        for at, other in enumerate(within):
            row.append(min(above[at] + (sign != other), above[at + 1] + 1, row[at] + 1))
    return min(row)
