"""The plan of a run, which follows from its seed: submissions, how each is paid for and carried, and faults."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any, Final

from tests.builders import a_code, a_submission

DEPARTMENT_WEIGHTS: Final[Mapping[str, int]] = {"rest-a": 15, "rest-b": 45, "soap-a": 10, "soap-b": 30}
"""Two of them report their statuses, by callback and by being asked; the others take dossiers and say nothing more."""
REPORTING: Final = {"rest-a": 0.3, "soap-a": 1.0}
"""department → seconds between two moves of a dossier"""
SILENT_PACE: Final = 3600.0
MAGIC: Final = ("9002", "9003", "9004", "9005", "9006", "9007", "9008", "9009", "9011", "9012", "9013")
MAGIC_SHARE: Final = 0.05
FEE_SHARE: Final = 0.4
"""of the dossiers of rest-a"""
POST_SHARE: Final = 0.15
"""of the dossiers of rest-a without a fee"""
PAY_FIRST: Final = "9.000005"
PAY_LATER: Final = "9.000006"
PAYMENTS: Final[Mapping[str, int]] = {"told": 12, "repeated": 3, "crowded": 1, "lost": 3, "twice": 1}
"""How a fee is paid (``connectors.sandbox.bank_behaviours``), and how often."""
BY_POST: Final = {
    "method": "post",
    "address": {"province": "Ninh Bình", "commune": "Phường Mẫu", "detail": "Số 9 đường Nhận Kết Quả"},
}
_ORDINARY: Final = 8999
_TENS: Final = 90


@dataclass(frozen=True, slots=True)
class PlannedSubmission:
    """One submission and what becomes of it when all goes well."""

    number: int
    department: str
    dossier_code: str
    body: Mapping[str, Any]
    payment: str | None
    """how its fee is paid; None: there is none"""
    by_post: bool

    @property
    def behaviour(self) -> str:
        return self.dossier_code[-4:]

    @property
    def effects(self) -> int:
        """How often its department takes it."""
        return 0 if self.behaviour == "9002" else 1

    @property
    def reports(self) -> bool:
        """Whether its department reports until it is returned."""
        return self.department in REPORTING and self.behaviour not in ("9002", "9008")


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """A fault of the registry, and the seed of what it chooses."""

    number: int
    name: str
    seed: int


def submissions(seed: int) -> Iterator[PlannedSubmission]:
    """Without end; the same for the same seed."""
    random = Random(f"{seed} submissions")  # noqa: S311 - to be replayed
    departments, weights = list(DEPARTMENT_WEIGHTS), list(DEPARTMENT_WEIGHTS.values())
    for number in count(1):
        department = random.choices(departments, weights)[0]
        suffix = random.choice(MAGIC) if random.random() < MAGIC_SHARE else None
        payment, by_post = None, False
        changes: dict[str, Any] = {}
        if department == "rest-a" and suffix is None:
            if random.random() < FEE_SHARE:
                payment = random.choices(list(PAYMENTS), list(PAYMENTS.values()))[0]
                changes["procedure"] = random.choice((PAY_FIRST, PAY_LATER))
            elif by_post := random.random() < POST_SHARE:
                changes["result"] = BY_POST
        # A magic suffix comes back: the agency's number keeps the codes apart.
        agency = f"000.{10 + number // _TENS % _TENS}.{10 + number % _TENS}.H42"
        code = a_code(int(suffix) if suffix else number % _ORDINARY + 1, agency=agency)
        body = a_submission(department, dossier_code=code, reference=f"LOI-{seed}-{number:07}", **changes)
        yield PlannedSubmission(number, department, code, body, payment, by_post)


def faults(seed: int, names: Sequence[str]) -> Iterator[PlannedFault]:
    """Without end: all of them in a random order, then again in another."""
    random = Random(f"{seed} faults")  # noqa: S311 - to be replayed
    numbers = count(1)
    while True:
        for name in random.sample(list(names), len(names)):
            yield PlannedFault(next(numbers), name, random.randrange(2**32))
