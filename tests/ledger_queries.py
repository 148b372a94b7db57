"""Queries over the ledger for tests: balances, an account's statement, open items."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from hub.db import Connection
from hub.fees.ledger.entry import LedgerAccount


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """What was moved on an account; ``net`` is debit less credit, đồng."""

    account: LedgerAccount
    debit: int
    credit: int

    @property
    def net(self) -> int:
        return self.debit - self.credit


@dataclass(frozen=True, slots=True)
class AccountMovement:
    """A line of an account's statement, with what was on the account after it."""

    seq: int
    day: date
    kind: str
    source_type: str
    source_id: str
    department: str | None
    fee_code: str | None
    item: str | None
    dr: int
    cr: int
    after: int
    """debit less credit up to here"""


def trial_balance(conn: Connection, until: date | None = None) -> list[AccountBalance]:
    """Every account that was ever moved, by code, up to the end of business day ``until``. The nets sum to 0."""
    rows = conn.execute(
        "SELECT l.account, sum(l.dr)::bigint AS debit, sum(l.cr)::bigint AS credit FROM ledger_line l"
        " JOIN ledger_entry e ON e.seq = l.entry_seq WHERE %(until)s::date IS NULL OR e.business_date <= %(until)s"
        " GROUP BY l.account ORDER BY l.account",
        {"until": until},
    )
    return [AccountBalance(LedgerAccount(row["account"]), row["debit"], row["credit"]) for row in rows]


def payable(conn: Connection, department: str, first: date, last: date) -> dict[str, int]:
    """Fee code → what 331 of a department came to owe it more, in the business days from ``first`` to ``last``."""
    rows = conn.execute(
        "SELECT l.fee_code, sum(l.cr - l.dr)::bigint AS owed FROM ledger_line l"
        " JOIN ledger_entry e ON e.seq = l.entry_seq WHERE l.account = '331' AND l.department = %s"
        " AND e.business_date BETWEEN %s AND %s GROUP BY l.fee_code ORDER BY l.fee_code",
        (department, first, last),
    )
    return {row["fee_code"]: row["owed"] for row in rows}


def open_items(conn: Connection, account: LedgerAccount) -> dict[str, int]:
    """Item → what is open of it (debit less credit); what has gone to zero is left out."""
    rows = conn.execute(
        "SELECT item, sum(dr - cr)::bigint AS net FROM ledger_line WHERE account = %s"
        " GROUP BY item HAVING sum(dr - cr) <> 0 ORDER BY item",
        (account.value,),
    )
    return {row["item"]: row["net"] for row in rows}


def statement(conn: Connection, account: LedgerAccount, first: date, last: date) -> Sequence[AccountMovement]:
    """What moved on an account between two business days, in the order of the book; ``after`` starts from before."""
    rows = conn.execute(
        "SELECT * FROM ("
        " SELECT e.seq, e.business_date AS day, e.kind, e.source_type, e.source_id, l.department, l.fee_code, l.item,"
        " l.dr, l.cr, l.number, sum(l.dr - l.cr) OVER (ORDER BY e.business_date, e.seq, l.number)::bigint AS after"
        " FROM ledger_line l JOIN ledger_entry e ON e.seq = l.entry_seq"
        " WHERE l.account = %s AND e.business_date <= %s) AS book WHERE day >= %s ORDER BY day, seq, number",
        (account.value, last, first),
    )
    return [AccountMovement(**{name: row[name] for name in AccountMovement.__slots__}) for row in rows]
