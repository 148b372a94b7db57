"""Where a file of statements stands, and where it may go from there. Loads nothing: the command line shows it."""

from enum import StrEnum
from typing import Final

from hub.lifecycle import Lifecycle


class FileStatus(StrEnum):
    """Status of a statement file. A file is stored once it has been read: balanced, accepted or quarantined."""

    BALANCED = "balanced"
    """it is right in itself, and waits for a statement before it that has not come"""
    ACCEPTED = "accepted"
    QUARANTINED = "quarantined"
    ACCEPTED_WITH_APPROVAL = "accepted_with_approval"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    """the bank has corrected it"""


LIFECYCLE: Final = Lifecycle(
    {
        FileStatus.BALANCED: frozenset(
            {FileStatus.ACCEPTED, FileStatus.QUARANTINED, FileStatus.ACCEPTED_WITH_APPROVAL, FileStatus.REJECTED}
        ),
        FileStatus.ACCEPTED: frozenset({FileStatus.SUPERSEDED}),
        FileStatus.QUARANTINED: frozenset(
            {FileStatus.BALANCED, FileStatus.ACCEPTED_WITH_APPROVAL, FileStatus.REJECTED}
        ),
        FileStatus.ACCEPTED_WITH_APPROVAL: frozenset({FileStatus.SUPERSEDED}),
        FileStatus.REJECTED: frozenset({FileStatus.QUARANTINED}),
        FileStatus.SUPERSEDED: frozenset(),
    }
)
"""Nothing leaves quarantine but by two persons, or by being right when it is read anew by another profile.

What one person discarded because nobody could read it comes back to be read anew; what two rejected does not."""
