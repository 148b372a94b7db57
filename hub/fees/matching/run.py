"""A run: one look at a day of an account, in one transaction. Killed anywhere, it leaves nothing; again, the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from psycopg import Rollback
from psycopg.types.json import Jsonb

from hub.db import one
from hub.errors import NotNow
from hub.events import Event
from hub.fees import late
from hub.fees.matching import alone, charged_back, effects, outgoing, overdue, own, passes, payouts, reading, reversals
from hub.fees.matching.digest import digest
from hub.fees.matching.passes import RULES, Scope
from hub.fees.settlements import remitting
from hub.work import Work


class Busy(NotNow):
    """Tài khoản này đang được ghép hoặc vừa có báo tiền về: chờ một lát rồi chạy lại."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run. ``counters``: pass → groups that it made, case → cases that were opened."""

    account: str
    day: date
    lines: int
    """of money that came, of which nobody knew before"""
    counters: Mapping[str, int]
    digest: bytes
    events: list[Event]


def run(work: Work, account: str, day: date, *, dry: bool = False) -> Result:
    """Match a day of an account, and do all that follows; ``dry``: only say what would come of it. Raises Busy."""
    if not dry:
        return _run(work, account, day)
    result: Result | None = None
    with work.conn.transaction() as savepoint:
        result = _run(work, account, day)
        raise Rollback(savepoint)
    if result is None:
        raise LookupError(account)
    return result


def _run(work: Work, account: str, day: date) -> Result:
    if not alone.taken(work.conn, account):
        raise Busy
    work.conn.execute("SET LOCAL work_mem = '64MB'")  # a year at once is sorted and hashed in memory
    desk = work.catalogue.fee_desk
    prefixes = (desk.prefix,) if desk else ()
    since = late.first_day(work.calendar, day)
    scope = Scope(_begin(work, account, day), account, day, prefixes, since)
    lines = reading.read(work.conn, account, day, prefixes) if prefixes else 0
    passes.execute(work.conn, "virtual_accounts", scope)
    passes.rows(work.conn, "locks", scope)
    ours = own.settle(work, scope)
    passes.execute(work.conn, "forget_proposals", scope)
    passes.pair(work.conn, scope)
    paid_out, differences = payouts.join(work, scope)
    if not passes.found(work.conn, scope):
        raise Busy("vừa có báo tiền về của ngày này: chạy lại")
    passes.identify(work.conn, scope)
    notified = _is_notified(work, account)
    doing = effects.apply(work, scope, notified=notified, payout_differences=differences)
    ours.hand_on(doing)
    payouts.settle(doing, paid_out)
    effects.finish(doing)  # what is taken back on the day on which it came stands in the book first
    reversals.reverse(doing)
    charged_back.settle(doing)
    effects.finish(doing)
    outgoing.settle(doing)
    effects.finish(doing)
    overdue.look(doing)
    if unpaid := remitting.look(work, account, day):
        doing.counters["M02"] += unpaid
    found = digest(work.conn, scope)
    work.conn.execute(
        "UPDATE recon_run SET state = 'completed', finished_at = clock_timestamp(), counters = %s, digest = %s"
        " WHERE id = %s",
        (Jsonb(dict(sorted(doing.counters.items()))), found, scope.run),
    )
    return Result(account, day, lines, dict(doing.counters), found, doing.events)


def _begin(work: Work, account: str, day: date) -> int:
    row = one(
        work.conn,
        "INSERT INTO recon_run (account, day, rule_version, text_version, actor, state, started_at)"
        " VALUES (%s, %s, %s, %s, %s, 'processing', %s) RETURNING id",
        (account, day, RULES, reading.VERSION, work.actor, work.now),
    )
    return int(row["id"])


def _is_notified(work: Work, account: str) -> bool:
    return any(account in bank.notified for bank in work.catalogue.banks.values())
