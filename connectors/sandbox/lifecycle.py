"""What becomes of a dossier at a department: the moves, and in which order they are told. Pure, and the same each time.

A plan depends on the dossier's code alone (and on its fate), so a sandbox that was killed goes on where it was.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from config.catalogue import DepartmentStatus
from connectors.sandbox.dossier_behaviours import DossierBehaviour, ReportingBehaviour

UNKNOWN_CODE: Final = "SANDBOX-UNLISTED"
"""A code that no catalogue has."""

SUPPLEMENT_ONE_IN: Final = 5

_SUPPLEMENT: Final = DepartmentStatus.SUPPLEMENT_REQUESTED

_PLAIN: Final = (
    DepartmentStatus.ACCEPTED,
    DepartmentStatus.IN_PROCESS,
    DepartmentStatus.RESOLVED,
    DepartmentStatus.RETURNED,
)
_WITH_SUPPLEMENT: Final = (
    DepartmentStatus.ACCEPTED,
    DepartmentStatus.IN_PROCESS,
    _SUPPLEMENT,
    DepartmentStatus.IN_PROCESS,
    DepartmentStatus.RESOLVED,
    DepartmentStatus.RETURNED,
)


@dataclass(frozen=True, slots=True)
class Word:
    """One report: of which move it speaks, and what makes its id differ from an earlier report of that move."""

    move: int
    again: str = ""


@dataclass(frozen=True, slots=True)
class StatusMove:
    """The dossier comes to stand somewhere new (in the department's code), and this is told on the occasion."""

    status: str
    words: tuple[Word, ...]


def plan(dossier_code: str, fate: DossierBehaviour, codes: Mapping[DepartmentStatus, str]) -> tuple[StatusMove, ...]:
    """The moves of a dossier in their true order. ``codes``: our status → the department's code.

    A status for which the department has no code is left out.
    """
    match fate.telling:
        case ReportingBehaviour.NOTHING:
            return ()
        case ReportingBehaviour.UNKNOWN_CODE:
            return _in_order([*_codes(_PLAIN[:2], codes), UNKNOWN_CODE])
        case ReportingBehaviour.OUT_OF_ORDER:
            return _held_back(_codes(_PLAIN, codes), 1)
        case ReportingBehaviour.REPEATED:
            return _repeated(_codes(_PLAIN, codes), 1)
        case ReportingBehaviour.LATE:
            detour, late = (_WITH_SUPPLEMENT, 2) if _SUPPLEMENT in codes else (_PLAIN, 0)
            return _late(_codes(detour, codes), late)
        case ReportingBehaviour.IN_ORDER:
            usual = _WITH_SUPPLEMENT if not fate.suffix and _needs_supplement(dossier_code) else _PLAIN
            return _in_order(_codes(usual, codes))


def codes_of(table: Mapping[str, DepartmentStatus]) -> dict[DepartmentStatus, str]:
    """The catalogue's [status] table read backwards; of several codes for one status the first."""
    codes: dict[DepartmentStatus, str] = {}
    for code, status in table.items():
        codes.setdefault(status, code)
    return codes


def _codes(statuses: tuple[DepartmentStatus, ...], codes: Mapping[DepartmentStatus, str]) -> list[str]:
    return [codes[status] for status in statuses if status in codes]


def _needs_supplement(dossier_code: str) -> bool:
    return hashlib.sha256(dossier_code.encode()).digest()[0] % SUPPLEMENT_ONE_IN == 0


def _in_order(statuses: list[str]) -> tuple[StatusMove, ...]:
    return tuple(StatusMove(status, (Word(number),)) for number, status in enumerate(statuses))


def _held_back(statuses: list[str], held: int) -> tuple[StatusMove, ...]:
    """The report of move ``held`` leaves only after that of the next move."""
    moves = list(_in_order(statuses))
    moves[held] = StatusMove(statuses[held], ())
    moves[held + 1] = StatusMove(statuses[held + 1], (Word(held + 1), Word(held)))
    return tuple(moves)


def _repeated(statuses: list[str], position: int) -> tuple[StatusMove, ...]:
    moves = list(_in_order(statuses))
    moves[position] = StatusMove(statuses[position], (Word(position), Word(position), Word(position, again="b")))
    return tuple(moves)


def _late(statuses: list[str], late: int) -> tuple[StatusMove, ...]:
    """Move ``late`` is told, under an id of its own, only after the dossier is resolved.

    The detour that it begins leaves no other trace.
    """
    moves = list(_in_order(statuses))
    resolved = len(moves) - 2
    for position in range(late, resolved) if late else ():
        moves[position] = StatusMove(statuses[position], ())
    moves[resolved] = StatusMove(statuses[resolved], (Word(resolved), Word(late, again="late")))
    return tuple(moves)
