"""Virtual accounts (tài khoản định danh): numbers that a bank has given us, each of which stands for a demand (P2)."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from config.banks import bare
from hub.audit import AuditAction
from hub.db import as_set
from hub.errors import InvalidState
from hub.locale import vi
from hub.unit_of_work import UnitOfWork
from schemas.payment_reference import is_reference

COLUMNS: Final = ("number", "reference")
_SHORTEST: Final = 6
_LONGEST: Final = 34
"""digits and capitals of an account number"""

_KNOWN: Final = """
SELECT g.row, g.number, d.id AS demand, d.account, v.demand_id AS taken_by, e.number IS NOT NULL AS is_ours
FROM json_to_recordset(%s) AS g (row integer, number text, reference text)
LEFT JOIN fee_demand d ON d.reference = g.reference LEFT JOIN virtual_account v ON v.number = g.number
LEFT JOIN json_to_recordset(%s) AS e (number text) ON e.number = g.number
ORDER BY g.row
"""
_GIVE: Final = """
INSERT INTO virtual_account (number, account, demand_id, given_at) VALUES (%s, %s, %s, %s)
"""


class NotAList(ValueError):
    """The file is no list of virtual accounts; says which row and why."""


@dataclass(frozen=True, slots=True)
class VirtualAccountList:
    """A row of the bank's list: the number, and the reference of the demand for which it stands."""

    row: int
    number: str
    reference: str


def read(file: bytes) -> list[VirtualAccountList]:
    """A CSV with the columns number and reference. Raises NotAList."""
    try:
        rows = list(csv.reader(io.StringIO(file.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise NotAList(
            vi("the file cannot be read ({name}): save it as CSV UTF-8", name=type(error).__name__)
        ) from None
    if not rows or tuple(cell.strip().lower() for cell in rows[0]) != COLUMNS:
        raise NotAList(vi("the first row has to be {listed}", listed=",".join(COLUMNS)))
    accounts = [_row(number, row) for number, row in enumerate(rows[1:], 2) if row]
    seen: set[str] = set()
    for one in accounts:
        if one.number in seen:
            raise NotAList(vi("row {row}: {number} stands twice in the file", row=one.row, number=one.number))
        seen.add(one.number)
    return accounts


def _row(place: int, row: Sequence[str]) -> VirtualAccountList:
    if len(row) != len(COLUMNS):
        raise NotAList(vi("row {place} has {row} columns", place=place, row=len(row)))
    number, reference = bare(row[0].strip()), row[1].strip().upper()
    if not (_SHORTEST <= len(number) <= _LONGEST and number.isascii()):
        raise NotAList(
            vi(
                "row {place}: an account number has {least} to {most} digits and letters",
                place=place,
                least=_SHORTEST,
                most=_LONGEST,
            )
        )
    if not is_reference(reference):
        raise NotAList(
            vi(
                "row {place}: {reference} is not a payment reference, its check digit is wrong",
                place=place,
                reference=reference[:20],
            )
        )
    return VirtualAccountList(place, number, reference)


def bring(uow: UnitOfWork, accounts: Sequence[VirtualAccountList]) -> int:
    """Take all of them; how many were new. Raises InvalidState, and takes none, where one is not what it says."""
    ours = [{"number": account.number} for bank in uow.catalogue.banks.values() for account in bank.accounts]
    rows = [{"row": one.row, "number": one.number, "reference": one.reference} for one in accounts]
    new = 0
    for row in uow.conn.execute(_KNOWN, (as_set(rows), as_set(ours))).fetchall():
        if why := _why_not(row["demand"], row["taken_by"], is_ours=row["is_ours"]):
            raise InvalidState(vi("row {row}: {why}; no row was loaded", row=row["row"], why=why))
        if row["taken_by"] is None:
            uow.conn.execute(_GIVE, (row["number"], row["account"], row["demand"], uow.now))
            uow.write_audit(
                row["demand"],
                AuditAction.DEMAND_VIRTUAL_ACCOUNT_ASSIGNED,
                reason=row["number"],
                details={"number": row["number"]},
            )
            new += 1
    return new


def _why_not(demand: str | None, taken_by: str | None, *, is_ours: bool) -> str:
    if is_ours:
        return vi("that is an account number of the Centre")
    if demand is None:
        return vi("there is no demand with this reference")
    return vi("this number was given to {taken_by}", taken_by=taken_by) if taken_by not in (None, demand) else ""
