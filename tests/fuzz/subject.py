"""A reader that is tried: files that are right to begin with, how they are spoilt, and what it may raise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from schemas.statement import UnreadableFile
from tests.fuzz import mutations
from tests.fuzz.mutations import Mutation

TEXTUAL: Final = (
    mutations.some_lines,
    mutations.some_words,
    mutations.some_words,
    mutations.some_bytes,
    mutations.another_encoding,
)

IN_A_WORKBOOK: Final = (
    mutations.in_a_member(
        (mutations.some_elements, mutations.some_elements, mutations.some_words, mutations.some_bytes)
    ),
    mutations.in_a_member((mutations.some_elements,)),
    mutations.some_bytes,
)


@dataclass(frozen=True)
class FuzzSubject:
    """A reader: ``read`` takes a file, or raises one of ``says``; anything else is a finding."""

    seeds: Sequence[bytes]
    ways: Sequence[Mutation]
    read: Callable[[bytes], object]
    says: tuple[type[Exception], ...] = (UnreadableFile,)

    def try_one(self, random: Random) -> bool:
        """Spoil a file and have it read; whether it was taken all the same."""
        return self.try_file(mutations.spoilt(random.choice(self.seeds), self.ways, random))

    def try_file(self, raw: bytes) -> bool:
        try:
            self.read(raw)
        except self.says:
            return False
        return True


def storable(text: str) -> None:
    """What PostgreSQL refuses in a text. Raises ValueError."""
    text.encode()
    if "\0" in text:
        raise ValueError("NUL in a text that was taken")
