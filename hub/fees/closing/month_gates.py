"""What has to hold before a month is closed, and what is listed so that two persons have seen it."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

from hub.clock import last_of, local
from hub.fees.closing import store
from hub.fees.closing.day_gates import proof
from hub.fees.closing.model import Gate, dong
from hub.fees.receipts import gaps
from hub.unit_of_work import UnitOfWork

_DAY: Final = timedelta(days=1)
SUSPENSE: Final = ("113", "338", "339", "341")

_OPEN_ITEMS: Final = """
SELECT l.account, l.item, sum(l.dr - l.cr)::bigint AS net, min(e.business_date) AS since,
    (SELECT string_agg(DISTINCT c.code, ' ' ORDER BY c.code) FROM fee_exception c WHERE c.state <> 'resolved'
        AND (c.object_id = l.item OR c.facts ->> 'payment' = l.item OR c.facts ->> 'line' = l.item)) AS cases
FROM ledger_line l JOIN ledger_entry e ON e.seq = l.entry_seq
WHERE l.account = ANY(%s) AND e.business_date <= %s
GROUP BY l.account, l.item HAVING sum(l.dr - l.cr) <> 0 ORDER BY since, l.account, l.item
"""

_FIRST_ENTRY: Final = "SELECT min(business_date) AS day FROM ledger_entry WHERE business_date < %s"


def of_month(uow: UnitOfWork, month: date, accounts: Sequence[str]) -> list[Gate]:
    """All of them; ``month`` is its first day, ``accounts`` all that were ever spoken of."""
    return [
        _over(uow, month),
        _before(uow, month),
        _days(uow, month, accounts),
        _transit(uow, month),
        _suspense(uow, month),
        proof(uow),
        _receipts(uow, month),
    ]


def _over(uow: UnitOfWork, month: date) -> Gate:
    last = last_of(month)
    over = local(uow.now).date() > last
    return Gate("over", "Tháng đã hết", over, f"hết ngày {last:%d/%m/%Y}", "chờ hết tháng")


def _before(uow: UnitOfWork, month: date) -> Gate:
    """A month stands on the one before it, from the first in which anything was booked."""
    before = (month - _DAY).replace(day=1)
    row = uow.conn.execute(_FIRST_ENTRY, (month,)).fetchone()
    is_first = row is None or row["day"] is None
    green = is_first or store.month_digest(uow.conn, before) is not None
    found = "tháng đầu tiên của sổ" if is_first else f"tháng {before:%m/%Y} {'đã khóa' if green else 'còn mở'}"
    return Gate("before", "Tháng trước đã khóa", green, found, f"hub fee close --month {before:%Y-%m}")


def _days(uow: UnitOfWork, month: date, accounts: Sequence[str]) -> Gate:
    last = last_of(month)
    items = [
        {"account": account, "day": day.isoformat()}
        for account in accounts
        for day in store.open_days(uow.conn, account, last)
        if day >= month
    ]
    found = f"{len(items)} ngày còn mở" if items else f"{len(accounts)} tài khoản, mọi ngày đã khóa"
    return Gate("days", "Mọi ngày của mọi tài khoản đã khóa", not items, found, f"hub fee close --day {last}", items)


def _transit(uow: UnitOfWork, month: date) -> Gate:
    """Notified and on no statement yet: allowed, with how long each has waited."""
    items = _items(uow, ["112"], month)
    return Gate("transit", "Tiền đang chuyển (112), theo tuổi", True, _sum(items), items=items)


def _suspense(uow: UnitOfWork, month: date) -> Gate:
    """Allowed to stand over, if somebody has a case about each; 113 has its refund."""
    items = _items(uow, SUSPENSE, month)
    nobodys = [one for one in items if not one["cases"] and one["account"] != "113"]
    found = _sum(items) + (f"; {len(nobodys)} khoản không có ca" if nobodys else "")
    todo = "hub fee prove; docs/runbooks/when-the-proof-is-red.md"
    return Gate("suspense", "Mọi khoản ở 113, 338, 339, 341 có ca", not nobodys, found, todo, items)


def _receipts(uow: UnitOfWork, month: date) -> Gate:
    """What was paid in the month has its receipts, here and at their issuer."""
    label = "Biên lai của tháng đầy đủ"
    if uow.catalogue.receipts is None:
        return Gate("receipts", label, True, "Hub không phát hành biên lai (không có receipts.toml)")
    items = [
        {"demand": gap.demand_id, "kind": gap.kind, "amount": gap.amount, "why": gap.why}
        for gap in gaps.missing(uow.conn, month)
    ]
    found = f"thiếu {len(items)} biên lai" if items else "đủ"
    return Gate("receipts", label, not items, found, "hub fee receipts list, rồi hub fee receipts issue", items)


def _items(uow: UnitOfWork, accounts: Sequence[str], month: date) -> list[dict[str, Any]]:
    last = last_of(month)
    rows = uow.conn.execute(_OPEN_ITEMS, (list(accounts), last)).fetchall()
    return [{**row, "since": row["since"].isoformat(), "days": (last - row["since"]).days} for row in rows]


def _sum(items: Sequence[dict[str, Any]]) -> str:
    return f"{len(items)} khoản, {dong(sum(abs(one['net']) for one in items))}" if items else "không có"
