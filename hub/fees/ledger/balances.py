"""Balances of the ledger."""

from datetime import date

from hub.db import Connection


def bank_balance(conn: Connection, bank_account: str, until: date) -> int:
    """What the book says is on a bank account at the end of ``until``; đồng."""
    row = conn.execute(
        "SELECT COALESCE(sum(l.dr - l.cr), 0)::bigint AS net FROM ledger_line l"
        " JOIN ledger_entry e ON e.seq = l.entry_seq"
        " WHERE l.account = '111' AND e.bank_account = %s AND e.business_date <= %s",
        (bank_account, until),
    ).fetchone()
    return int(row["net"]) if row else 0
