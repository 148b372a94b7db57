"""The table itself: sums by fee, lines by number, and the bytes that are signed. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from hub.fees.settlements.retention import retained
from hub.fees.settlements.taking import OpenExceptions, TableItem
from hub.signing import canonical
from schemas.settlement import TYPE

SUMS: Final = {"carried": "carried", "receipt": "receipts", "refund": "refunds", "adjustment": "adjustments"}
"""kind of a line → the column of its sum"""
_LONGEST: Final = 1000
"""of a title, in a table"""


@dataclass(frozen=True, slots=True)
class TableFee:
    """How a fee is called where none of its lines says so."""

    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """The ledger's checkpoint that covers the month: its root, and the last entry under it."""

    root: str
    last_entry: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A department's month, before it is signed."""

    id: str
    department: str
    month: date
    items: Sequence[TableItem]
    fees: Sequence[Mapping[str, Any]]
    """as schemas.settlement.FeeSum, by code"""

    def total(self, column: str) -> int:
        return sum(fee[column] for fee in self.fees)

    @property
    def sums(self) -> dict[str, int]:
        """The table's own; ``opening`` is what is carried."""
        columns = ("receipts", "refunds", "adjustments", "retained", "net")
        return {"opening": self.total("carried")} | {column: self.total(column) for column in columns}


def draft(
    settlement_id: str, department: str, month: date, items: Sequence[TableItem], known: Mapping[str, TableFee]
) -> Draft:
    """The sums over ``items``, with what the Centre keeps. ``known``: fees of the catalogue, by code."""
    named = _named(items, known)
    sums: dict[str, dict[str, int]] = {}
    demands: dict[str, set[str | int]] = {}
    kept: dict[str, int] = {}
    for item in items:
        fee = sums.setdefault(item.fee_code, dict.fromkeys(SUMS.values(), 0))
        fee[SUMS[item.kind]] += item.amount
        seen = demands.setdefault(item.fee_code, set())
        if item.kind == "receipt":
            seen.add(item.demand_id or item.entry)
        kept[item.fee_code] = kept.get(item.fee_code, 0) + item.amount * item.retention_bp
    keeps = retained(kept)
    fees = [
        {
            "fee_code": code,
            "kind": named[code].kind,
            "title": named[code].title,
            "count": len(demands[code]),
            **sums[code],
            "retained": keeps[code],
            "net": sum(sums[code].values()) - keeps[code],
        }
        for code in sorted(sums)
    ]
    return Draft(settlement_id, department, month, items, fees)


def encoded(
    drafted: Draft,
    *,
    name: str,
    at: datetime,
    anchor: Anchor,
    cases: Iterable[OpenExceptions] = (),
    issued: Mapping[str, Sequence[Mapping[str, Any]]],
) -> bytes:
    """Its canonical JSON. ``name``: the department's; ``issued``: fee → the ranges of receipts that belong to it."""
    return canonical.encode(
        {
            "v": 1,
            "typ": TYPE,
            "settlement_id": drafted.id,
            "month": f"{drafted.month:%Y-%m}",
            "department": drafted.department,
            "department_name": name,
            "closed_at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            **drafted.sums,
            "fees": [{**fee, "issued": list(issued.get(fee["fee_code"], ()))} for fee in drafted.fees],
            "lines": [_line(number, item) for number, item in enumerate(drafted.items, start=1)],
            "open_cases": [{"code": one.code, "count": one.count, "at_risk": one.at_risk} for one in cases],
            "book": anchor.root,
            "last_entry": anchor.last_entry,
        }
    )


def _line(number: int, item: TableItem) -> dict[str, Any]:
    return {
        "number": number,
        "kind": item.kind,
        "day": item.day.isoformat(),
        "fee_code": item.fee_code,
        "amount": item.amount,
        "entry": item.entry,
        "reference": item.reference,
        "dossier_code": item.dossier_code,
        "original": item.original,
    }


def _named(items: Sequence[TableItem], known: Mapping[str, TableFee]) -> dict[str, TableFee]:
    """By code: as its lines say it, else as the catalogue does, else by its code alone.

    Two procedures may call two fees alike: then the row has the titles of both. If one of them is a phí it stands as
    a phí, for of that a share may be kept.
    """
    found: dict[str, TableFee] = {}
    titles: dict[str, list[str]] = {}
    for item in items:
        if item.fee_kind is not None and item.title is not None:
            mixed = item.fee_code in found and found[item.fee_code].kind == "phi"
            said = titles.setdefault(item.fee_code, [])
            if item.title not in said:
                said.append(item.title)
            found[item.fee_code] = TableFee("phi" if mixed else item.fee_kind, _together(said))
        elif item.fee_code not in found:
            fallback = TableFee(item.fee_kind or "phi", item.fee_code)
            found[item.fee_code] = known.get(item.fee_code, fallback)
    return found


def _together(titles: Sequence[str]) -> str:
    whole = "; ".join(titles)
    return whole if len(whole) <= _LONGEST else f"{titles[0]}; và {len(titles) - 1} khoản khác cùng mã"
