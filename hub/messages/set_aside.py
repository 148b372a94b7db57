"""Entries of feeds that are set aside for a person: those that cannot be read, and those that contradict another."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NoReturn

from hub.codes import HubCode
from hub.errors import ManualAction
from hub.messages.model import Arrival, Message
from schemas.identifiers import Prefix, new_id
from schemas.replies import UnreadableEntry

KIND: Final = "feed.unreadable"
OLDER_KIND: Final = "postal.unreadable"
"""kind of the postal feed's, in rows from before KIND"""
CONFLICTS: Final[Mapping[str, str]] = {
    "department.status": "department.conflict",
    "postal.event": "postal.conflict",
}
"""kind of a report → kind of one with the same id and other content"""
_CONFLICT: Final = "conflict:"


def unreadable(_: object, message: Message) -> NoReturn:
    """Raise ManualAction: the entry cannot be read. ``hub inbox requeue`` reads it again."""
    entry = UnreadableEntry.model_validate_json(message.body)
    raise ManualAction(HubCode.ENTRY_UNREADABLE, entry.why or "an entry of the feed cannot be read")


def in_conflict(arrival: Arrival) -> Arrival:
    """An arrival whose id was used with other content, under an id of its own, derived from its content."""
    digest = hashlib.sha256(arrival.body).hexdigest()[:16]
    external_id = f"{_CONFLICT}{arrival.external_id}#{digest}"
    return replace(
        arrival, id=new_id(Prefix.INBOX), kind=CONFLICTS[arrival.kind], key=external_id, external_id=external_id
    )


def conflict(_: object, __: Message) -> NoReturn:
    """Raise ManualAction: which of the two is right, only their sender knows."""
    raise ManualAction(HubCode.REPORT_CONFLICT, "its id was used before with other content; the first one counts")


def as_new(aside: Arrival) -> Arrival | None:
    """The conflicting arrival as a new one beside the first; None if it was not set aside as a conflict."""
    kind = next((kind for kind, conflict_kind in CONFLICTS.items() if conflict_kind == aside.kind), None)
    if kind is None:
        return None
    external_id = aside.external_id.removeprefix(_CONFLICT)
    return replace(aside, id=new_id(Prefix.INBOX), kind=kind, key=external_id, external_id=external_id)
