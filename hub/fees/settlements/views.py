"""Reads: what a department is shown of its tables, once it has been handed them. They change nothing."""

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Final

from psycopg.rows import class_row

from hub.db import Connection
from hub.fees.settlements import store
from hub.fees.settlements.model import SettlementState
from hub.fees.settlements.store import SealedTable


@dataclass(frozen=True, slots=True)
class SettlementView:
    """A table as its department sees it from outside; đồng. ``month``: its first day."""

    id: str
    month: date
    state: str
    net: int
    disputed: int
    sha256: bytes
    notified_at: datetime | None
    answer_id: str | None
    answered_at: datetime | None
    transferred_at: datetime | None


_COLUMNS: Final = ", ".join(field.name for field in fields(SettlementView))
_UNSEEN: Final = [SettlementState.COMPUTED.value, SettlementState.WITHDRAWN.value]
"""What has not been handed over may still be withdrawn."""
_MOST: Final = 120
"""tables in a list: ten years"""


def of_department(conn: Connection, department: str) -> list[SettlementView]:
    """Those that it has been handed, the newest first."""
    return _find(
        conn, "department = %s AND state <> ALL(%s) ORDER BY month DESC LIMIT %s", (department, _UNSEEN, _MOST)
    )


def one_of(conn: Connection, department: str, settlement_id: str) -> tuple[SettlementView, SealedTable] | None:
    """One of them with its bytes; None if the department has been handed none with this id."""
    found = _find(conn, "department = %s AND id = %s AND state <> ALL(%s)", (department, settlement_id, _UNSEEN))
    if not found:
        return None
    return found[0], store.handed(conn, settlement_id)


def _find(conn: Connection, where: Any, parameters: Any) -> list[SettlementView]:
    with conn.cursor(row_factory=class_row(SettlementView)) as cursor:
        return cursor.execute(f"SELECT {_COLUMNS} FROM settlement WHERE {where}", parameters).fetchall()
