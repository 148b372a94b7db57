"""Entries of feeds that wait for a person, each for itself: what cannot be read, and what contradicts another."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NoReturn

from hub.codes import HubCode
from hub.errors import ManualAction
from hub.messages.model import Arrival, Message
from schemas.identifiers import Prefix, new_id
from schemas.unreadable import UnreadableEntry

KIND: Final = "feed.unreadable"
OLDER_KIND: Final = "postal.unreadable"
"""what the post's were called before"""
CONFLICTS: Final[Mapping[str, str]] = {
    "department.status": "department.conflict",
    "postal.event": "postal.conflict",
}
"""the kind of what is told → of what is told again, under the same name, with other content"""
_CONFLICT: Final = "conflict:"


def unreadable(_: object, message: Message) -> NoReturn:
    """Raises ManualAction: nobody can handle it as it stands. ``hub inbox requeue`` has it read again."""
    entry = UnreadableEntry.model_validate_json(message.body)
    raise ManualAction(HubCode.ENTRY_UNREADABLE, entry.why or "an entry of the feed cannot be read")


def in_conflict(arrival: Arrival) -> Arrival:
    """What contradicts an earlier arrival of its name, under a name of its own: one for the same content."""
    digest = hashlib.sha256(arrival.body).hexdigest()[:16]
    name = f"{_CONFLICT}{arrival.external_id}#{digest}"
    return replace(arrival, id=new_id(Prefix.INBOX), kind=CONFLICTS[arrival.kind], key=name, external_id=name)


def conflict(_: object, __: Message) -> NoReturn:
    """Raises ManualAction: which of the two is right, only their sender knows."""
    raise ManualAction(HubCode.REPORT_CONFLICT, "its name was used before, with other content; what came first counts")


def as_another(aside: Arrival) -> Arrival | None:
    """What was set aside as a conflict, as an arrival beside the first one; None if ``aside`` is none."""
    kind = next((told for told, kind in CONFLICTS.items() if kind == aside.kind), None)
    if kind is None:
        return None
    name = aside.external_id.removeprefix(_CONFLICT)
    return replace(aside, id=new_id(Prefix.INBOX), kind=kind, key=name, external_id=name)
