"""A run: one look at a day of an account, in one transaction. Killed anywhere, it leaves nothing; again, the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from psycopg import Rollback
from psycopg.types.json import Jsonb

from hub.db import one
from hub.errors import InvalidState
from hub.events import Event
from hub.fees.payouts.orders import handlers
from hub.fees.reconciliation.matching import (
    charged_back,
    effects,
    gateway_payouts,
    late_notifications,
    outgoing,
    overdue,
    passes,
    payment_order_lines,
    reading,
    reversals,
    run_lock,
)
from hub.fees.reconciliation.matching.digest import digest
from hub.fees.reconciliation.matching.passes import RULES, Scope
from hub.unit_of_work import UnitOfWork


class AccountBusy(InvalidState):
    """Tài khoản này đang được ghép hoặc vừa có báo tiền về: chờ một lát rồi chạy lại."""


@dataclass(frozen=True, slots=True)
class MatchRunResult:
    """What came of a run. ``counters``: pass → groups that it made, case → cases that were opened."""

    account: str
    day: date
    lines: int
    """of money that came, of which nobody knew before"""
    counters: Mapping[str, int]
    digest: bytes
    events: list[Event]


def run(uow: UnitOfWork, account: str, day: date, *, dry: bool = False) -> MatchRunResult:
    """Match a day of an account, and do all that follows; ``dry``: only say what would follow. Raises AccountBusy."""
    if not dry:
        return _run(uow, account, day)
    result: MatchRunResult | None = None
    with uow.conn.transaction() as savepoint:
        result = _run(uow, account, day)
        raise Rollback(savepoint)
    if result is None:
        raise LookupError(account)
    return result


def _run(uow: UnitOfWork, account: str, day: date) -> MatchRunResult:
    if not run_lock.taken(uow.conn, account):
        raise AccountBusy
    uow.conn.execute("SET LOCAL work_mem = '64MB'")  # a year at once is sorted and hashed in memory
    desk = uow.catalogue.fee_desk
    prefixes = (desk.prefix,) if desk else ()
    since = late_notifications.first_day(uow.calendar, day)
    scope = Scope(_begin(uow, account, day), account, day, prefixes, since)
    lines = reading.read(uow.conn, account, day, prefixes) if prefixes else 0
    passes.execute(uow.conn, "virtual_accounts", scope)
    passes.rows(uow.conn, "locks", scope)
    ours = payment_order_lines.settle(uow, scope)
    passes.execute(uow.conn, "forget_proposals", scope)
    passes.pair(uow.conn, scope)
    paid_out, differences = gateway_payouts.join(uow, scope)
    if not passes.found(uow.conn, scope):
        raise AccountBusy("vừa có báo tiền về của ngày này: chạy lại")
    passes.identify(uow.conn, scope)
    notified = _is_notified(uow, account)
    doing = effects.apply(uow, scope, notified=notified, payout_differences=differences)
    ours.hand_on(doing)
    gateway_payouts.settle(doing, paid_out)
    effects.finish(doing)  # what is taken back on the day on which it came stands in the book first
    reversals.reverse(doing)
    charged_back.settle(doing)
    effects.finish(doing)
    outgoing.settle(doing)
    effects.finish(doing)
    overdue.look(doing)
    if unpaid := handlers.open_overdue(uow, account, day):
        doing.counters["M02"] += unpaid
    found = digest(uow.conn, scope)
    uow.conn.execute(
        "UPDATE recon_run SET state = 'completed', finished_at = clock_timestamp(), counters = %s, digest = %s"
        " WHERE id = %s",
        (Jsonb(dict(sorted(doing.counters.items()))), found, scope.run),
    )
    return MatchRunResult(account, day, lines, dict(doing.counters), found, doing.events)


def _begin(uow: UnitOfWork, account: str, day: date) -> int:
    row = one(
        uow.conn,
        "INSERT INTO recon_run (account, day, rule_version, text_version, actor, state, started_at)"
        " VALUES (%s, %s, %s, %s, %s, 'processing', %s) RETURNING id",
        (account, day, RULES, reading.VERSION, uow.actor, uow.now),
    )
    return int(row["id"])


def _is_notified(uow: UnitOfWork, account: str) -> bool:
    return any(account in bank.notified for bank in uow.catalogue.banks.values())
