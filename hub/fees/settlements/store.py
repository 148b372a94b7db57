"""A settlement is a department's month: its states, its rows and the tables that keep them. đồng throughout."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from psycopg.rows import class_row

from hub.db import Connection, one
from hub.errors import NotFound
from hub.fees.demands import demand_store
from hub.lifecycle import Lifecycle
from hub.locale import vi


class SettlementState(StrEnum):
    """The status of a settlement. Silence of the department confirms nothing."""

    COMPUTED = "computed"
    NOTIFIED = "notified"
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    ORDERED = "ordered"
    TRANSFERRED = "transferred"
    RECEIPTED = "receipted"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        return LABELS[self]


LEAF: Final = "settlement"
"""the kind of a table's leaf in the custody log, and of its one act in the month package"""
LABELS: Final = {
    SettlementState.COMPUTED: vi("Made"),
    SettlementState.NOTIFIED: vi("Sent, not confirmed yet"),
    SettlementState.CONFIRMED: vi("Confirmed by the agency"),
    SettlementState.DISPUTED: vi("Lines are disputed"),
    SettlementState.ORDERED: vi("Payment order made"),
    SettlementState.TRANSFERRED: vi("Transferred"),
    SettlementState.RECEIPTED: vi("Papers handed over"),
    SettlementState.CLOSED: vi("Done"),
    SettlementState.WITHDRAWN: vi("Table withdrawn"),
}

LIFECYCLE: Final = Lifecycle(
    {
        SettlementState.COMPUTED: frozenset(
            {
                SettlementState.NOTIFIED,
                SettlementState.CONFIRMED,
                SettlementState.DISPUTED,
                SettlementState.CLOSED,
                SettlementState.WITHDRAWN,
            }
        ),
        SettlementState.NOTIFIED: frozenset(
            {SettlementState.CONFIRMED, SettlementState.DISPUTED, SettlementState.CLOSED}
        ),
        SettlementState.CONFIRMED: frozenset({SettlementState.ORDERED, SettlementState.CLOSED}),
        SettlementState.DISPUTED: frozenset({SettlementState.ORDERED, SettlementState.CLOSED}),
        SettlementState.ORDERED: frozenset(
            {SettlementState.CONFIRMED, SettlementState.DISPUTED, SettlementState.TRANSFERRED}
        ),
        SettlementState.TRANSFERRED: frozenset(
            {SettlementState.RECEIPTED, SettlementState.CONFIRMED, SettlementState.DISPUTED}
        ),
        SettlementState.RECEIPTED: frozenset(
            {SettlementState.CLOSED, SettlementState.CONFIRMED, SettlementState.DISPUTED}
        ),
        SettlementState.CLOSED: frozenset({SettlementState.CONFIRMED, SettlementState.DISPUTED}),
        SettlementState.WITHDRAWN: frozenset(),
    }
)
"""A failed order or a returned transfer leads back to a new order; what is carried on whole is closed at once."""
ANSWERABLE: Final = frozenset({SettlementState.COMPUTED, SettlementState.NOTIFIED})
"""A table that was handed over on paper may be answered before a receipt of it arrives."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """A settlement's row, without the table's bytes. ``month``: its first day."""

    id: str
    department: str
    month: date
    state: str
    opening: int
    receipts: int
    refunds: int
    adjustments: int
    retained: int
    net: int
    disputed: int
    sha256: bytes
    computed_at: datetime
    notified_at: datetime | None
    answer_id: str | None
    answered_at: datetime | None
    order_id: str | None
    transferred_at: datetime | None

    @property
    def transferable(self) -> int:
        """What is to be transferred, đồng; zero or less is carried on."""
        return self.net - self.disputed

    @property
    def name(self) -> str:
        """The month as people write it: 2026-10."""
        return f"{self.month:%Y-%m}"


_COLUMNS: Final = ", ".join(field.name for field in fields(Settlement))
_ITEM: Final = (
    "settlement_id", "number", "kind", "day", "fee_code", "amount", "retention_bp", "entry_seq", "line_number",
    "carry_id", "demand_id",
)  # fmt: skip

_ADD: Final = """
INSERT INTO settlement (id, department, month, state, opening, receipts, refunds, adjustments, retained, net, body,
    sha256, signature, leaf_id, computed_at)
VALUES (%(id)s, %(department)s, %(month)s, 'computed', %(opening)s, %(receipts)s, %(refunds)s, %(adjustments)s,
    %(retained)s, %(net)s, %(body)s, sha256(%(body)s), %(signature)s, %(leaf)s, %(at)s)
"""
_ADD_FEE: Final = """
INSERT INTO settlement_fee (settlement_id, fee_code, kind, carried, receipts, refunds, adjustments, retained, net)
VALUES (%(settlement)s, %(fee_code)s, %(kind)s, %(carried)s, %(receipts)s, %(refunds)s, %(adjustments)s, %(retained)s,
    %(net)s)
"""


@dataclass(frozen=True, slots=True)
class TableFeeRow:
    """A settlement's sums of one fee, đồng."""

    fee_code: str
    kind: str
    carried: int
    receipts: int
    refunds: int
    adjustments: int
    retained: int
    net: int
    disputed: int
    """of its lines, those that the department does not accept"""


@dataclass(frozen=True, slots=True)
class SealedTable:
    """A table's bytes, and the seal's signature over them."""

    body: bytes
    signature: bytes


def add(conn: Connection, row: dict[str, Any], fee_sums: Sequence[dict[str, Any]]) -> None:
    """Insert a settlement with its sums by fee."""
    conn.execute(_ADD, row)
    with conn.cursor() as cursor:
        cursor.executemany(_ADD_FEE, [fee | {"settlement": row["id"]} for fee in fee_sums])


def add_items(conn: Connection, items: Iterable[Sequence[Any]]) -> None:
    """Insert lines of tables: rows in the order of _ITEM."""
    with conn.cursor() as cursor, cursor.copy(f"COPY settlement_item ({', '.join(_ITEM)}) FROM STDIN") as copy:
        for item in items:
            copy.write_row(item)


def lock(conn: Connection, settlement_id: str) -> Settlement:
    """Lock the settlement. Raises NotFound."""
    return _only(conn, "id = %s FOR UPDATE", settlement_id)


def named(conn: Connection, settlement_id: str) -> Settlement:
    """The settlement, not locked. Raises NotFound."""
    return _only(conn, "id = %s", settlement_id)


def of_month(conn: Connection, month: date, department: str | None = None) -> list[Settlement]:
    """The month's settlements that were not withdrawn, by department."""
    where = "month = %(month)s AND state <> 'withdrawn' AND (%(only)s::text IS NULL OR department = %(only)s)"
    return _find(conn, f"{where} ORDER BY department", {"month": month, "only": department})


def handed_over(conn: Connection, month: date) -> list[str]:
    """The departments that were handed their table of the month, or have answered it."""
    rows = conn.execute(
        "SELECT department FROM settlement WHERE month = %s AND state NOT IN ('computed', 'withdrawn')"
        " ORDER BY department",
        (month,),
    )
    return [row["department"] for row in rows]


def before(conn: Connection, month: date) -> list[Settlement]:
    """Settlements of earlier months without an answer, locked, the oldest first."""
    return _find(
        conn, "month < %s AND state IN ('computed', 'notified') ORDER BY month, department FOR UPDATE", (month,)
    )


def sealed_table(conn: Connection, settlement_id: str) -> SealedTable:
    row = one(conn, "SELECT body, signature FROM settlement WHERE id = %s", (settlement_id,))
    return SealedTable(bytes(row["body"]), bytes(row["signature"]))


def fee_rows(conn: Connection, settlement_id: str) -> list[TableFeeRow]:
    """The settlement's sums, by fee."""
    with conn.cursor(row_factory=class_row(TableFeeRow)) as cursor:
        return cursor.execute(
            "SELECT f.fee_code, f.kind, f.carried, f.receipts, f.refunds, f.adjustments, f.retained, f.net,"
            " coalesce(sum(i.amount) FILTER (WHERE i.disputed), 0)::bigint AS disputed FROM settlement_fee f"
            " LEFT JOIN settlement_item i ON i.settlement_id = f.settlement_id AND i.fee_code = f.fee_code"
            " WHERE f.settlement_id = %s GROUP BY f.settlement_id, f.fee_code ORDER BY f.fee_code",
            (settlement_id,),
        ).fetchall()


def move(conn: Connection, settlement: Settlement, to: SettlementState, **changed: Any) -> Settlement:
    """Move a locked settlement to status ``to`` and write the ``changed`` columns. Raises MoveRefused."""
    LIFECYCLE.check(SettlementState(settlement.state), to)
    names = sorted(changed)
    assignments = "".join(f", {name} = %({name})s" for name in names)
    conn.execute(
        f"UPDATE settlement SET state = %(state)s{assignments} WHERE id = %(id)s",
        {"id": settlement.id, "state": to.value, **changed},
    )
    return lock(conn, settlement.id)


def is_disputed(conn: Connection, settlement_id: str) -> bool:
    """Whether the department disputes a line of it."""
    return bool(
        one(
            conn,
            "SELECT EXISTS (SELECT 1 FROM settlement_item WHERE settlement_id = %s AND disputed) AS found",
            (settlement_id,),
        )["found"]
    )


def demands_of(conn: Connection, settlement_id: str, *, disputed: bool = True) -> list[str]:
    """The demands of the settlement's lines; ``disputed``: with those of disputed lines."""
    rows = conn.execute(
        "SELECT DISTINCT demand_id FROM settlement_item"
        " WHERE settlement_id = %s AND demand_id IS NOT NULL AND (%s OR NOT disputed)",
        (settlement_id, disputed),
    )
    return [row["demand_id"] for row in rows]


def carry_rest(conn: Connection, settlement_id: str) -> int:
    """Carry what is not transferred on to the next table, by fee, without disputed lines; returns the sum in đồng."""
    row = one(
        conn,
        """
        WITH rest AS (
            SELECT s.id, s.department, f.fee_code, max(i.entry_seq) AS entry_seq,
                   f.net - coalesce(sum(i.amount) FILTER (WHERE i.disputed), 0) AS amount
            FROM settlement s JOIN settlement_fee f ON f.settlement_id = s.id
            JOIN settlement_item i ON i.settlement_id = s.id AND i.fee_code = f.fee_code
            WHERE s.id = %s GROUP BY s.id, s.department, f.fee_code, f.net
        ), added AS (
            INSERT INTO settlement_carry (settlement_id, department, fee_code, amount, entry_seq)
            SELECT id, department, fee_code, amount, entry_seq FROM rest WHERE amount <> 0 RETURNING amount
        )
        SELECT coalesce(sum(amount), 0)::bigint AS amount FROM added
        """,
        (settlement_id,),
    )
    return int(row["amount"])


def as_row(settlement: Settlement) -> dict[str, Any]:
    """The settlement as a row of a list."""
    return asdict(settlement) | {"sha256": settlement.sha256.hex(), "label": SettlementState(settlement.state).label}


def answered(conn: Connection, settlement_id: str, at: datetime, answer_id: str, answer: bytes, disputed: int) -> None:
    conn.execute(
        "UPDATE settlement SET answer_id = %s, answer = %s, answered_at = %s, disputed = %s WHERE id = %s",
        (answer_id, answer, at, disputed, settlement_id),
    )


def answer(conn: Connection, settlement_id: str) -> bytes:
    """The department's answer, as it was received."""
    return bytes(one(conn, "SELECT answer FROM settlement WHERE id = %s", (settlement_id,))["answer"])


def _only(conn: Connection, where: Any, settlement_id: str) -> Settlement:
    settlements = _find(conn, where, (settlement_id,))
    if not settlements:
        raise NotFound(vi("there is no table {settlement_id}", settlement_id=settlement_id))
    return settlements[0]


def _find(conn: Connection, where: Any, parameters: Any) -> list[Settlement]:
    with conn.cursor(row_factory=class_row(Settlement)) as cursor:
        return cursor.execute(f"SELECT {_COLUMNS} FROM settlement WHERE {where}", parameters).fetchall()


# Reads for a department: the tables that it has been handed. They change nothing.


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


_VIEWS_COLUMNS: Final = ", ".join(field.name for field in fields(SettlementView))
_UNSEEN: Final = [SettlementState.COMPUTED.value, SettlementState.WITHDRAWN.value]
"""What was not handed over may still be withdrawn."""
_MOST: Final = 120
"""tables in a list: ten years"""


def of_department(conn: Connection, department: str) -> list[SettlementView]:
    """The tables that the department has been handed, the newest first."""
    return _views_find(
        conn, "department = %s AND state <> ALL(%s) ORDER BY month DESC LIMIT %s", (department, _UNSEEN, _MOST)
    )


def one_of(conn: Connection, department: str, settlement_id: str) -> tuple[SettlementView, SealedTable] | None:
    """A table with its bytes; None if the department has been handed none with this id."""
    views = _views_find(conn, "department = %s AND id = %s AND state <> ALL(%s)", (department, settlement_id, _UNSEEN))
    if not views:
        return None
    return views[0], sealed_table(conn, settlement_id)


def _views_find(conn: Connection, where: Any, parameters: Any) -> list[SettlementView]:
    with conn.cursor(row_factory=class_row(SettlementView)) as cursor:
        return cursor.execute(f"SELECT {_VIEWS_COLUMNS} FROM settlement WHERE {where}", parameters).fetchall()


# Money of a table that was notified and is on no statement yet: it is transferred all the same.


@dataclass(frozen=True, slots=True)
class Unshown:
    """Number of demands, and their money in đồng, before the retained share."""

    demands: int
    amount: int


def unshown_of(conn: Connection, settlement_id: str) -> Unshown:
    """What no statement has shown of the table's lines that are not disputed."""
    rows = conn.execute(
        "SELECT demand_id, sum(amount)::bigint AS amount FROM settlement_item"
        " WHERE settlement_id = %s AND NOT disputed AND amount > 0 AND demand_id IS NOT NULL GROUP BY demand_id",
        (settlement_id,),
    )
    amounts = {row["demand_id"]: row["amount"] for row in rows}
    unconfirmed = demand_store.unconfirmed(conn, list(amounts))
    return Unshown(len(unconfirmed), sum(min(amounts[demand], amount) for demand, amount in unconfirmed.items()))
