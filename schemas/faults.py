"""What is wrong with a document, and where: the words in which it is refused."""

from dataclasses import dataclass
from typing import Final

MAX_FAULTS: Final = 20


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a document: where (JSON pointer), which rule, and how to mend it."""

    pointer: str
    code: str
    detail: str


class Refused(ValueError):
    """The document is not what it has to be; ``faults`` says where and why (at most 20).

    The text names the rules only: a pointer may hold a key that the sender made up.
    """

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults[:MAX_FAULTS]
        super().__init__(", ".join(sorted({fault.code for fault in self.faults})))


def pointer_of(location: tuple[int | str, ...]) -> str:
    """A JSON pointer (RFC 6901) of the place that these steps lead to."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in location)
