"""Entries of feeds that cannot be read: kept as they came, each for itself, until a person has looked."""

from typing import Final, NoReturn

from hub.codes import Code
from hub.errors import NeedsAPerson
from hub.messages.model import Message
from schemas.unreadable import Unreadable

KIND: Final = "feed.unreadable"
OLDER_KIND: Final = "postal.unreadable"
"""what the post's were called before"""


def unreadable(_: object, message: Message) -> NoReturn:
    """Raises NeedsAPerson: nobody can handle it as it stands. ``hub inbox revive`` has it read again."""
    entry = Unreadable.model_validate_json(message.body)
    raise NeedsAPerson(Code.ENTRY_UNREADABLE, entry.why or "an entry of the feed cannot be read")
