"""Reads: what a payer is shown of a dossier's fees, and what a clerk looks up. They change nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row

from hub.db import Connection
from hub.fees.demands import payer_notice
from hub.fees.demands.model import Demand, DemandStatusCode
from schemas.payment_reference import is_reference

Row = dict[str, Any]

_COLUMNS: Final = ", ".join(f"f.{field.name}" for field in fields(Demand))
# The last one: those before it were cancelled or given back.
_LATEST: Final = f"""
SELECT DISTINCT ON (f.dossier_id) {_COLUMNS} FROM fee_demand f WHERE f.dossier_id = ANY(%s)
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
