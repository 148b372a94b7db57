"""Fee demands in the database, and the reads of payers and clerks, which change nothing.

The caller of a change has locked the demand's dossier first.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row

from hub.clock import local
from hub.db import Connection, one
from hub.errors import NotFound
from hub.fees.demands import payer_notice
from hub.fees.demands.model import COLLECTING, Amounts, Demand, DemandLine, DemandStatusCode
from hub.locale import vi
from schemas.payment_reference import PaymentReference, is_reference, scattered

_COLUMNS: Final = ", ".join(field.name for field in fields(Demand))
_LINE_COLUMNS: Final = ", ".join(field.name for field in fields(DemandLine))

_ADD: Final = """
INSERT INTO fee_demand (id, dossier_id, department, reference, bank_bin, account, amount_due, waived, allocated,
    confirmed, status, pay_first, issued_at, business_date, expires_at, version)
VALUES (%(id)s, %(dossier_id)s, %(department)s, %(reference)s, %(bank_bin)s, %(account)s, %(amount_due)s, %(waived)s,
    %(allocated)s, %(confirmed)s, %(status)s, %(pay_first)s, %(issued_at)s, %(business_date)s, %(expires_at)s,
    %(version)s)
"""

_ADD_LINE: Final = """
INSERT INTO fee_demand_line (demand_id, number, fee_code, kind, title, department, amount, waived, exemption,
    retention_bp, basis)
VALUES (%(demand_id)s, %(number)s, %(fee_code)s, %(kind)s, %(title)s, %(department)s, %(amount)s, %(waived)s,
    %(exemption)s, %(retention_bp)s, %(basis)s)
"""


@dataclass(frozen=True, slots=True)
class Credit:
    """Money that counts for a demand, by the evidence that brought it (a payment)."""

    evidence: str
    amount: int
    paid_at: datetime
    confirmed_at: datetime | None
    reversed_at: datetime | None
    reversed_by: str | None


def next_reference(conn: Connection, prefix: str) -> PaymentReference:
    """A new payment reference."""
    number = one(conn, "SELECT nextval('fee_reference_serial') AS number", ())["number"]
    return PaymentReference.issued(prefix, scattered(number))


def add(conn: Connection, demand: Demand, lines: Sequence[DemandLine]) -> None:
    """Add a demand with its lines."""
    conn.execute(_ADD, asdict(demand) | {"business_date": local(demand.issued_at).date()})
    with conn.cursor() as cursor:
        cursor.executemany(
            _ADD_LINE,
            [asdict(line) | {"demand_id": demand.id, "number": number} for number, line in enumerate(lines, 1)],
        )


def lock(conn: Connection, demand_id: str) -> Demand:
    """Lock a demand, and its dossier before it. Raises NotFound."""
    return lock_all(conn, [demand_id])[0]


def lock_all(conn: Connection, demands: Sequence[str]) -> list[Demand]:
    """Lock demands, and all their dossiers before them, each in the order of the ids. Raises NotFound."""
    conn.execute(
        "SELECT 1 FROM dossier WHERE id IN (SELECT dossier_id FROM fee_demand WHERE id = ANY(%s)) ORDER BY id"
        " FOR UPDATE",
        (list(demands),),
    )
    with conn.cursor(row_factory=class_row(Demand)) as cursor:
        rows = cursor.execute(
            f"SELECT {_COLUMNS} FROM fee_demand WHERE id = ANY(%s) ORDER BY id FOR UPDATE", (list(demands),)
        ).fetchall()
    missing = sorted(set(demands) - {demand.id for demand in rows})
    if missing:
        raise NotFound(vi("there is no demand {demand_id}", demand_id=missing[0]))
    return rows


def of_dossier(conn: Connection, dossier_id: str) -> list[Demand]:
    """The demands of a dossier, the oldest first."""
    with conn.cursor(row_factory=class_row(Demand)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM fee_demand WHERE dossier_id = %s ORDER BY issued_at, id", (dossier_id,)
        ).fetchall()


def lines(conn: Connection, demand_id: str) -> list[DemandLine]:
    with conn.cursor(row_factory=class_row(DemandLine)) as cursor:
        return cursor.execute(
            f"SELECT {_LINE_COLUMNS} FROM fee_demand_line WHERE demand_id = %s ORDER BY number", (demand_id,)
        ).fetchall()


def update(conn: Connection, demand: Demand, amounts: Amounts, *, expires_at: datetime | None = None) -> Demand:
    """Write the amounts, and ``expires_at`` if it is given, of a locked demand. Returns the demand as it is now."""
    with conn.cursor(row_factory=class_row(Demand)) as cursor:
        changed = cursor.execute(
            "UPDATE fee_demand SET waived = %s, allocated = %s, confirmed = %s, status = %s, version = version + 1,"
            f" expires_at = coalesce(%s, expires_at), updated_at = now() WHERE id = %s RETURNING {_COLUMNS}",
            (amounts.waived, amounts.allocated, amounts.confirmed, amounts.status, expires_at, demand.id),
        ).fetchone()
    if changed is None:
        raise LookupError(demand.id)
    return changed


def move_all(conn: Connection, demands: Sequence[str], before: str, after: str) -> list[str]:
    """Set the status of those demands that have the status ``before``; their ids, in order."""
    rows = conn.execute(
        "UPDATE fee_demand SET status = %s, version = version + 1, updated_at = now()"
        " WHERE id = ANY(%s) AND status = %s RETURNING id",
        (after, list(demands), before),
    )
    return sorted(row["id"] for row in rows)


def waive_line(conn: Connection, demand_id: str, fee_code: str, *, exemption: str, basis: str) -> None:
    """Waive the whole of a line by an exemption."""
    conn.execute(
        "UPDATE fee_demand_line SET waived = amount, exemption = %s, basis = %s WHERE demand_id = %s AND fee_code = %s",
        (exemption, basis, demand_id, fee_code),
    )


def waive_part(conn: Connection, demand_id: str, fee_code: str, amount: int, *, basis: str) -> None:
    """Waive ``amount`` more of a line by a decision."""
    conn.execute(
        "UPDATE fee_demand_line SET waived = waived + %s, exemption = coalesce(exemption, 'decision'), basis = %s"
        " WHERE demand_id = %s AND fee_code = %s",
        (amount, basis, demand_id, fee_code),
    )


def credit_by(conn: Connection, demand_id: str, evidence: str) -> Credit | None:
    with conn.cursor(row_factory=class_row(Credit)) as cursor:
        return cursor.execute(
            "SELECT evidence, amount, paid_at, confirmed_at, reversed_at, reversed_by FROM fee_credit"
            " WHERE demand_id = %s AND evidence = %s",
            (demand_id, evidence),
        ).fetchone()


def payments_of(conn: Connection, demand_id: str, payment: str | None = None) -> list[Credit]:
    """The credits of the demand that count and come from a payment, or from this one."""
    with conn.cursor(row_factory=class_row(Credit)) as cursor:
        return cursor.execute(
            "SELECT evidence, amount, paid_at, confirmed_at, reversed_at, reversed_by FROM fee_credit"
            " WHERE demand_id = %s AND reversed_at IS NULL AND evidence LIKE %s",
            (demand_id, payment or r"pm\_%"),
        ).fetchall()


def unconfirmed(conn: Connection, demands: Sequence[str]) -> dict[str, int]:
    """Demand → what counts for it and is on no statement yet, đồng; those without are left out."""
    rows = conn.execute(
        "SELECT demand_id, sum(amount)::bigint AS amount FROM fee_credit"
        " WHERE demand_id = ANY(%s) AND confirmed_at IS NULL AND reversed_at IS NULL GROUP BY demand_id",
        (list(demands),),
    )
    return {row["demand_id"]: row["amount"] for row in rows}


def end_credits(conn: Connection, demand_id: str, *, by: str, at: datetime, evidence: str | None = None) -> None:
    """Reverse the credit of this evidence; without one every credit that is not reversed."""
    conn.execute(
        "UPDATE fee_credit SET reversed_at = %(at)s, reversed_by = %(by)s WHERE demand_id = %(demand)s"
        " AND reversed_at IS NULL AND (%(evidence)s::text IS NULL OR evidence = %(evidence)s)",
        {"at": at, "by": by, "demand": demand_id, "evidence": evidence},
    )


def expiring(conn: Connection, now: datetime, *, after: str, limit: int) -> list[str]:
    """Ids of demands that are due to expire, in order, after the id ``after``."""
    rows = conn.execute(
        "SELECT id FROM fee_demand WHERE expires_at <= %s AND status = ANY(%s) AND id > %s ORDER BY id LIMIT %s",
        (now, sorted(COLLECTING), after, limit),
    ).fetchall()
    return [row["id"] for row in rows]


Row = dict[str, Any]

_DEMAND_COLUMNS: Final = ", ".join(f"f.{field.name}" for field in fields(Demand))
# The last one: those before it were cancelled or given back.
_LATEST: Final = f"""
SELECT DISTINCT ON (f.dossier_id) {_DEMAND_COLUMNS} FROM fee_demand f WHERE f.dossier_id = ANY(%s)
ORDER BY f.dossier_id, f.issued_at DESC, f.id DESC
"""
_LIST: Final = """
SELECT f.id, f.reference, f.dossier_id, d.code AS dossier_code, f.department, f.amount_due, f.waived, f.allocated,
    f.confirmed, f.amount_due - f.waived - f.allocated AS outstanding, f.status, f.pay_first, f.issued_at, f.expires_at
FROM fee_demand f JOIN dossier d ON d.id = f.dossier_id
"""


@dataclass(frozen=True, slots=True)
class FeeLine:
    """One fee of a demand, as its payer sees it."""

    code: str
    kind: str
    title: str
    amount: int
    waived: int
    exemption: str | None
    basis: str | None


@dataclass(frozen=True, slots=True)
class FeeView:
    """A dossier's fees as their payer sees them; amounts in đồng."""

    demand_id: str
    status: str
    status_label: str
    amount_due: int
    waived: int
    paid: int
    outstanding: int
    reference: str
    bank_bin: str
    account: str
    qr: str | None
    issued_at: datetime
    expires_at: datetime | None
    lines: list[FeeLine]


def of_dossiers(conn: Connection, dossier_ids: Sequence[str]) -> dict[str, FeeView]:
    """Dossier → what is demanded for it; a dossier without fees is not in it."""
    with conn.cursor(row_factory=class_row(Demand)) as cursor:
        demands = cursor.execute(_LATEST, (list(dossier_ids),)).fetchall()
    lines: dict[str, list[FeeLine]] = {demand.id: [] for demand in demands}
    for row in conn.execute(
        "SELECT demand_id, fee_code AS code, kind, title, amount, waived, exemption, basis FROM fee_demand_line"
        " WHERE demand_id = ANY(%s) ORDER BY demand_id, number",
        (list(lines),),
    ).fetchall():
        lines[row.pop("demand_id")].append(FeeLine(**row))
    return {demand.dossier_id: _view(demand, lines[demand.id]) for demand in demands}


def _view(demand: Demand, lines: list[FeeLine]) -> FeeView:
    status = DemandStatusCode(payer_notice.word(DemandStatusCode(demand.status)))
    return FeeView(
        demand_id=demand.id,
        status=status.value,
        status_label=status.label,
        amount_due=demand.amount_due,
        waived=demand.waived,
        paid=demand.allocated,
        outstanding=demand.outstanding,
        reference=demand.reference,
        bank_bin=demand.bank_bin,
        account=demand.account,
        qr=payer_notice.qr(demand),
        issued_at=demand.issued_at,
        expires_at=demand.expires_at,
        lines=lines,
    )


def listing(conn: Connection, *, status: DemandStatusCode | None, department: str | None, limit: int) -> list[Row]:
    """Demands, the oldest first."""
    return conn.execute(
        _LIST + " WHERE (%(status)s::text IS NULL OR f.status = %(status)s)"
        " AND (%(department)s::text IS NULL OR f.department = %(department)s)"
        " ORDER BY f.issued_at, f.id LIMIT %(limit)s",
        {"status": status, "department": department, "limit": limit},
    ).fetchall()


def find(conn: Connection, name: str) -> Row | None:
    """One demand with its lines, credits and audit log, by its id, reference, or the normalised code of its dossier."""
    column = "f.reference" if is_reference(name) else "f.id" if name.startswith("fd_") else "d.code"
    row = conn.execute(_LIST + f" WHERE {column} = %s ORDER BY f.issued_at DESC, f.id DESC LIMIT 1", (name,)).fetchone()
    if row is None:
        return None
    lines = conn.execute(
        "SELECT number, fee_code, kind, title, amount, waived, exemption, retention_bp, basis FROM fee_demand_line"
        " WHERE demand_id = %s ORDER BY number",
        (row["id"],),
    ).fetchall()
    credited = conn.execute(
        "SELECT evidence, amount, paid_at, confirmed_at, reversed_at, reversed_by FROM fee_credit"
        " WHERE demand_id = %s ORDER BY credited_at, evidence",
        (row["id"],),
    ).fetchall()
    return {**row, "lines": lines, "credits": credited}
