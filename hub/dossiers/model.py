"""A dossier's statuses and their lifecycle: ours, and the national list of ten (Cổng DVCQG)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from hub.lifecycle import Lifecycle


class Status(StrEnum):
    """Where a dossier stands. ``national_code`` and ``label`` are those of the national portal."""

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
        """The word that the portal's API uses for the submission as a whole."""
        return SUBMISSION_STATE[self]


NATIONAL: Final = {
    Status.REGISTERED: ("1", "Mới đăng ký"),
    Status.ACCEPTED: ("2", "Được tiếp nhận"),
    Status.NOT_ACCEPTED: ("3", "Không được tiếp nhận"),
    Status.IN_PROCESS: ("4", "Đang xử lý"),
    Status.SUPPLEMENT_REQUESTED: ("5", "Yêu cầu bổ sung giấy tờ"),
    Status.AWAITING_FEE: ("6", "Yêu cầu thực hiện nghĩa vụ tài chính"),
    Status.WITHDRAWN: ("7", "Công dân yêu cầu rút hồ sơ"),
    Status.STOPPED: ("8", "Dừng xử lý"),
    Status.RESOLVED: ("9", "Đã xử lý xong"),
    Status.RETURNED: ("10", "Đã trả kết quả"),
}

SUBMISSION_STATE: Final = {
    Status.REGISTERED: "accepted",
    Status.ACCEPTED: "in_progress",
    Status.NOT_ACCEPTED: "rejected",
    Status.IN_PROCESS: "in_progress",
    Status.SUPPLEMENT_REQUESTED: "in_progress",
    Status.AWAITING_FEE: "in_progress",
    Status.WITHDRAWN: "withdrawn",
    Status.STOPPED: "stopped",
    Status.RESOLVED: "completed",
    Status.RETURNED: "completed",
}

# Derived from NĐ 61/2018 (rules R1 to R18) and the national codes; architecture.md §7.
LIFECYCLE: Final = Lifecycle(
    {
        Status.REGISTERED: frozenset(
            {
                Status.ACCEPTED,
                Status.NOT_ACCEPTED,
                Status.SUPPLEMENT_REQUESTED,
                Status.AWAITING_FEE,
                Status.WITHDRAWN,
            }
        ),
        Status.ACCEPTED: frozenset(
            {
                Status.IN_PROCESS,
                Status.SUPPLEMENT_REQUESTED,
                Status.AWAITING_FEE,
                Status.WITHDRAWN,
                Status.STOPPED,
            }
        ),
        Status.NOT_ACCEPTED: frozenset(),
        Status.IN_PROCESS: frozenset(
            {
                Status.NOT_ACCEPTED,
                Status.SUPPLEMENT_REQUESTED,
                Status.AWAITING_FEE,
                Status.WITHDRAWN,
                Status.STOPPED,
                Status.RESOLVED,
            }
        ),
        Status.SUPPLEMENT_REQUESTED: frozenset({Status.ACCEPTED, Status.IN_PROCESS, Status.WITHDRAWN, Status.STOPPED}),
        Status.AWAITING_FEE: frozenset(
            {Status.REGISTERED, Status.ACCEPTED, Status.IN_PROCESS, Status.WITHDRAWN, Status.STOPPED}
        ),
        Status.WITHDRAWN: frozenset(),
        Status.STOPPED: frozenset(),
        Status.RESOLVED: frozenset({Status.RETURNED, Status.IN_PROCESS}),
        Status.RETURNED: frozenset(),
    }
)


MAIN_ROAD: Final = frozenset({Status.ACCEPTED, Status.IN_PROCESS, Status.RESOLVED})
"""What a department may leave out of its reports: these only follow from what comes after them."""


FINAL: Final = frozenset({Status.RESOLVED, *(status for status, moves in LIFECYCLE.moves.items() if not moves)})
"""The result and every end: no report of one may pass unseen."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """A dossier's row. Its content is the submission in the inbox, under the same id."""

    id: str
    code: str
    raw_code: str
    reference: str
    procedure: str
    department: str
    status: str
    status_at: datetime
    version: int
    reason: str | None
    fee_due: int
    received_at: datetime
    due_at: datetime
    updated_at: datetime
    released_at: datetime | None
    """since when nothing holds it back; None: it has not gone out"""
    by_report: bool
    """whether ``status_at`` is by the clock of the department's reports; else by its receipts', or ours"""

    @property
    def stands(self) -> Status:
        return Status(self.status)
