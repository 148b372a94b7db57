"""A dossier's statuses and their lifecycle: ours, and the national list of ten (Cổng DVCQG)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from hub.lifecycle import Lifecycle
from hub.locale import vi


class DossierStatus(StrEnum):
    """Status of a dossier. ``national_code`` and ``label`` are those of the national portal."""

    REGISTERED = "registered"
    ACCEPTED = "accepted"
    NOT_ACCEPTED = "not_accepted"
    IN_PROCESS = "in_process"
    SUPPLEMENT_REQUESTED = "supplement_requested"
    AWAITING_FEE = "awaiting_fee"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"
    RESOLVED = "resolved"
    RETURNED = "returned"

    @property
    def national_code(self) -> str:
        return NATIONAL[self][0]

    @property
    def label(self) -> str:
        return NATIONAL[self][1]

    @property
    def submission_state(self) -> str:
        """The submission's state in the portal's API."""
        return SUBMISSION_STATE[self]


NATIONAL: Final = {
    DossierStatus.REGISTERED: ("1", vi("Newly registered")),
    DossierStatus.ACCEPTED: ("2", vi("Accepted")),
    DossierStatus.NOT_ACCEPTED: ("3", vi("Not accepted")),
    DossierStatus.IN_PROCESS: ("4", vi("In progress")),
    DossierStatus.SUPPLEMENT_REQUESTED: ("5", vi("Supplement requested")),
    DossierStatus.AWAITING_FEE: ("6", vi("Financial obligation requested")),
    DossierStatus.WITHDRAWN: ("7", vi("Withdrawal requested by the citizen")),
    DossierStatus.STOPPED: ("8", vi("Stopped")),
    DossierStatus.RESOLVED: ("9", vi("Processed")),
    DossierStatus.RETURNED: ("10", vi("Result returned")),
}

SUBMISSION_STATE: Final = {
    DossierStatus.REGISTERED: "accepted",
    DossierStatus.ACCEPTED: "in_progress",
    DossierStatus.NOT_ACCEPTED: "rejected",
    DossierStatus.IN_PROCESS: "in_progress",
    DossierStatus.SUPPLEMENT_REQUESTED: "in_progress",
    DossierStatus.AWAITING_FEE: "in_progress",
    DossierStatus.WITHDRAWN: "withdrawn",
    DossierStatus.STOPPED: "stopped",
    DossierStatus.RESOLVED: "completed",
    DossierStatus.RETURNED: "completed",
}

# Derived from NĐ 61/2018 and the national codes; docs/reference/lifecycles.md has the diagram.
LIFECYCLE: Final = Lifecycle(
    {
        DossierStatus.REGISTERED: frozenset(
            {
                DossierStatus.ACCEPTED,
                DossierStatus.NOT_ACCEPTED,
                DossierStatus.SUPPLEMENT_REQUESTED,
                DossierStatus.AWAITING_FEE,
                DossierStatus.WITHDRAWN,
            }
        ),
        DossierStatus.ACCEPTED: frozenset(
            {
                DossierStatus.IN_PROCESS,
                DossierStatus.SUPPLEMENT_REQUESTED,
                DossierStatus.AWAITING_FEE,
                DossierStatus.WITHDRAWN,
                DossierStatus.STOPPED,
            }
        ),
        DossierStatus.NOT_ACCEPTED: frozenset(),
        DossierStatus.IN_PROCESS: frozenset(
            {
                DossierStatus.NOT_ACCEPTED,
                DossierStatus.SUPPLEMENT_REQUESTED,
                DossierStatus.AWAITING_FEE,
                DossierStatus.WITHDRAWN,
                DossierStatus.STOPPED,
                DossierStatus.RESOLVED,
            }
        ),
        DossierStatus.SUPPLEMENT_REQUESTED: frozenset(
            {DossierStatus.ACCEPTED, DossierStatus.IN_PROCESS, DossierStatus.WITHDRAWN, DossierStatus.STOPPED}
        ),
        DossierStatus.AWAITING_FEE: frozenset(
            {
                DossierStatus.REGISTERED,
                DossierStatus.ACCEPTED,
                DossierStatus.IN_PROCESS,
                DossierStatus.WITHDRAWN,
                DossierStatus.STOPPED,
            }
        ),
        DossierStatus.WITHDRAWN: frozenset(),
        DossierStatus.STOPPED: frozenset(),
        DossierStatus.RESOLVED: frozenset({DossierStatus.RETURNED, DossierStatus.IN_PROCESS}),
        DossierStatus.RETURNED: frozenset(),
    }
)


IMPLIED: Final = frozenset({DossierStatus.ACCEPTED, DossierStatus.IN_PROCESS, DossierStatus.RESOLVED})
"""statuses that a department may leave out of its reports, because later ones imply them"""


FINAL: Final = frozenset({DossierStatus.RESOLVED, *(status for status, moves in LIFECYCLE.moves.items() if not moves)})
"""the result and every end: a late report of one waits for a person"""


@dataclass(frozen=True, slots=True)
class Dossier:
    """A dossier's row. Its content is the submission in the inbox, under the same id."""

    id: str
    code: str
    raw_code: str
    reference: str
    procedure: str
    department: str
    status: DossierStatus
    status_at: datetime
    version: int
    reason: str | None
    received_at: datetime
    due_at: datetime
    updated_at: datetime
    released_at: datetime | None
    """when it was released to its department; None: not yet"""
    by_report: bool
    """whether ``status_at`` is of a report, by the department's clock; else of its receipt, or ours"""

    def __post_init__(self) -> None:
        # Rows come from SQL with the status as text.
        object.__setattr__(self, "status", DossierStatus(self.status))
