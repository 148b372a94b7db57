"""What may be done about a case. Each is a row: what it is called, how many persons it takes, and what it does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from hub.events import Event
from hub.fees.cases import answers
from hub.fees.cases.model import Case
from hub.work import Work

Act = Callable[[Work, Case, Mapping[str, str]], list[Event]]


@dataclass(frozen=True, slots=True)
class Resolution:
    """One of them. ``act`` runs in the transaction in which the last person agrees, with the case locked.

    ``details`` are the names of what it has to be told (``--set name=value``); what is put in brackets may be left out.
    With ``closes`` False it only begins what will end the case (a payment order does): the case is ``approved`` until
    desk.finish says that it is over.
    """

    name: str
    label_vi: str
    persons: Literal[1, 2]
    act: Act
    details: tuple[str, ...] = ()
    closes: bool = True


_ALL: Final = (
    Resolution("noted", "Đã xem, không phải làm gì", 1, answers.noted),
)  # fmt: skip

RESOLUTIONS: Final[Mapping[str, Resolution]] = {one.name: one for one in _ALL}
