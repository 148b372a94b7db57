"""References that a text almost holds: at most two wrong, missing, added or swapped characters. For proposals only.

The twelve digits of every open reference are cut into four pieces of three. Two errors spoil two pieces at the most, so
the other two stand in the text, nearly as far from one another as they should: they are looked up as a pair, and only
what is found there is compared letter by letter.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from hub.fees.ledger.normalise import Text
from hub.fees.reconciliation.matching.references import AS_DIGITS, DIGITS
from schemas.payment_reference import LENGTH

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
