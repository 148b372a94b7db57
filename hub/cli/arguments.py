"""Arguments of commands: days, months, and ids, of which a beginning that only one row has is enough, as in git."""

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from typer import BadParameter

from hub.cli import environment
from hub.cli.exits import ExitCode, leave

DAY: Final = "YYYY-MM-DD"
MONTH: Final = "YYYY-MM"


def day(text: str) -> datetime:
    """Midnight of 2026-11-24. Raises BadParameter."""
    return _read(text, "%Y-%m-%d", "no day: write it as 2026-11-24")


def month(text: str) -> datetime:
    """The first of 2026-11. Raises BadParameter."""
    return _read(text, "%Y-%m", "no month: write it as 2026-11")


def moment(text: str) -> datetime:
    """A day, or 2026-11-24T14:30. Raises BadParameter."""
    form = "%Y-%m-%dT%H:%M" if "T" in text else "%Y-%m-%d"
    return _read(text, form, "no time: write it as 2026-11-24 or 2026-11-24T14:30")


def _read(text: str, form: str, message: str) -> datetime:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - a day of Vietnam's calendar has no zone
    except ValueError:
        raise BadParameter(f"{text!r} is {message}") from None


def check_state(state: str | None, states: Collection[str], sentence: str) -> None:
    """Exit with 2 and ``sentence`` if ``state`` is given and is none of ``states``."""
    if state is not None and state not in states:
        leave(ExitCode.USAGE, f"{sentence}: {', '.join(states)}")


_MAX_LISTED: Final = 3
"""ids that the error lists if a prefix is ambiguous"""

TABLES: Final[Mapping[str, str]] = {
    "sub": "inbox",
    "in": "inbox",
    "tr": "outbox",
    "hd": "handoff",
    "cs": "consignment",
    "cm": "complaint",
    "fd": "fee_demand",
    "pm": "payment",
    "sf": "statement_file",
    "ex": "fee_exception",
    "rf": "refund",
    "rc": "receipt",
    "po": "payment_order",
    "cb": "chargeback",
}
"""Prefix of an id that a command takes (schemas.identifiers) → the table whose column ``id`` has it."""

_SHORT: Final = re.compile(rf"({'|'.join(TABLES)})_([0-9A-Z]{{1,25}})", re.IGNORECASE)
"""the beginning of an id; a whole one has 26 characters after the prefix"""


def whole_id(name: str) -> str:
    """Complete an id from its beginning; return a reference, a code or a whole id unchanged.

    For ``Argument(parser=...)``. Raises NotFound if no id begins so; exits with 2 if several do.
    """
    match = _SHORT.fullmatch(name)
    if match is None:
        return name
    prefix = match[1].lower()
    beginning = f"{prefix}_{match[2].upper()}"
    from psycopg import sql

    from hub.errors import NotFound

    query = sql.SQL("SELECT id FROM {} WHERE starts_with(id, %s) ORDER BY id LIMIT %s")
    with environment.database() as conn:
        rows = conn.execute(query.format(sql.Identifier(TABLES[prefix])), (beginning, _MAX_LISTED + 1)).fetchall()
    ids = [row["id"] for row in rows]
    if not ids:
        raise NotFound(f"no id begins with {beginning}")
    if len(ids) > 1:
        shown = ", ".join(ids[:_MAX_LISTED]) + (", …" if len(ids) > _MAX_LISTED else "")
        leave(ExitCode.USAGE, f"hub: several ids begin with {beginning}: {shown}")
    return str(ids[0])
