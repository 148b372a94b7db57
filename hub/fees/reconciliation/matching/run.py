"""A run: one look at a day of an account, in one transaction. Killed anywhere, it leaves nothing; again, the same."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from psycopg import Rollback
from psycopg.types.json import Jsonb

from hub.codes import HubCode
from hub.db import Connection, one
from hub.errors import InvalidState, RetryLater
from hub.events import Event
from hub.fees.payouts import orders
from hub.fees.reconciliation.matching import (
    effects,
    gateway_payouts,
    late_notifications,
    overdue,
    passes,
    payment_order_lines,
    reading,
    reversals,
)
from hub.fees.reconciliation.matching.effects import MatchRun
from hub.fees.reconciliation.matching.passes import RULES, Scope
from hub.locale import vi
from hub.messages import inbox
from hub.messages.model import Arrival, Message, Wakeup
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id


def digest(conn: Connection, scope: Scope) -> bytes:
    """SHA-256 over the sorted entries of sql/digest.sql, each with a line break behind it."""
    sha256 = hashlib.sha256()
    for row in passes.rows(conn, "digest", scope):
        sha256.update(f"{row['entry']}\n".encode())
    return sha256.digest()


class AccountBusy(InvalidState):
    """Tài khoản này đang được ghép hoặc vừa có báo tiền về: chờ một lát rồi chạy lại."""


@dataclass(frozen=True, slots=True)
class MatchRunResult:
    """What came of a run. ``counters``: pass → groups that it made, exception → exceptions that were opened."""

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
    with uow.savepoint() as savepoint:
        result = _run(uow, account, day)
        raise Rollback(savepoint)
    if result is None:
        raise LookupError(account)
    return result


def _run(uow: UnitOfWork, account: str, day: date) -> MatchRunResult:
    """Match a day of an account in the caller's transaction. Raises AccountBusy.

    1. Lock the account, begin the run, and read the references in the day's lines.
    2. Lock the dossiers of all demands that the run may touch (sql/locks.sql).
    3. Take out the lines of our own payment orders.
    4. Join lines with notified payments (P1, P3) and gateways' payouts (P9); what is left is a payment of its own (P0).
    5. Join payments with the demands that they name (P2, P4 to P8), and propose the rest (P11).
    6. Credit demands, write the ledger entries, and open exceptions for what is joined to nothing.
    7. Reverse what the bank has taken back (P10); what left the account unexplained is an exception.
    8. Open exceptions for notified payments and sent orders that no statement shows in time.
    9. Complete the run with its counters and digest.
    """
    # 1.
    if not passes.taken(uow.conn, account):
        raise AccountBusy
    uow.conn.execute("SET LOCAL work_mem = '64MB'")  # a year at once is sorted and hashed in memory
    fee_settings = uow.catalogue.fee_settings
    prefixes = (fee_settings.prefix,) if fee_settings else ()
    since = late_notifications.first_day(uow.calendar, day)
    scope = Scope(_begin(uow, account, day), account, day, prefixes, since)
    lines = reading.read(uow.conn, account, day, prefixes) if prefixes else 0
    passes.execute(uow.conn, "virtual_accounts", scope)
    # 2.
    passes.rows(uow.conn, "locks", scope)
    # 3.
    ours = payment_order_lines.settle(uow, scope)
    # 4.
    passes.execute(uow.conn, "forget_proposals", scope)
    passes.pair(uow.conn, scope)
    paid_out, differences = gateway_payouts.join(uow, scope)
    if not passes.add_unnotified(uow.conn, scope):
        raise AccountBusy(vi("a payout of this day was reported just now: run it again"))
    # 5.
    passes.identify(uow.conn, scope)
    # 6.
    notified = _is_notified(uow, account)
    match_run = effects.apply(uow, scope, notified=notified, payout_differences=differences)
    ours.hand_on(match_run)
    gateway_payouts.settle(match_run, paid_out)
    effects.finish(match_run)  # what is taken back on the day on which it came stands in the book first
    # 7. and 8.
    _follow_up(match_run)
    # 9.
    run_digest = _complete(uow.conn, scope, match_run.counters)
    return MatchRunResult(account, day, lines, dict(match_run.counters), run_digest, match_run.events)


def _follow_up(match_run: MatchRun) -> None:
    """Steps 7 and 8 of a run."""
    scope = match_run.scope
    # 7.
    reversals.reverse(match_run)
    reversals.settle(match_run)
    effects.finish(match_run)
    payment_order_lines.open_left(match_run)
    effects.finish(match_run)
    # 8.
    overdue.look(match_run)
    if unpaid := orders.open_overdue(match_run.uow, scope.account, scope.day):
        match_run.counters["M02"] += unpaid


def _complete(conn: Connection, scope: Scope, counters: Mapping[str, int]) -> bytes:
    run_digest = digest(conn, scope)
    conn.execute(
        "UPDATE recon_run SET state = 'completed', finished_at = clock_timestamp(), counters = %s, digest = %s"
        " WHERE id = %s",
        (Jsonb(dict(sorted(counters.items()))), run_digest, scope.run),
    )
    return run_digest


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


# When a day is matched: once its statement is accepted, by a message of ours for each account and day.

KIND: Final = "fees.match"
SOURCE: Final = "hub"

_DAYS: Final = """
SELECT l.account, l.booking_date AS day FROM statement_line l JOIN statement s ON s.id = l.statement_id
WHERE s.file_id = %(file)s
UNION
SELECT account, to_date FROM statement WHERE file_id = %(file)s AND kind = 'statement'
ORDER BY account, day
"""


def ask(uow: UnitOfWork, file_id: str) -> None:
    """Ask for the days of an accepted file to be matched, in order; each account has an ordering key of its own."""
    for row in uow.conn.execute(_DAYS, {"file": file_id}).fetchall():
        name = f"match {file_id} {row['account']} {row['day']}"
        body = json.dumps({"account": row["account"], "day": row["day"].isoformat()}).encode()
        ordering_key = f"match {row['account']}"
        arrival = Arrival(new_id(Prefix.INBOX), SOURCE, KIND, name, name, body, ordering_key=ordering_key)
        uow.wakeups.append(Wakeup(inbox.QUEUE, inbox.accept(uow.conn, arrival).id))


def asked(uow: UnitOfWork, message: Message) -> list[Event]:
    """The message that ``ask`` left."""
    request = json.loads(message.body)
    try:
        return run(uow, request["account"], date.fromisoformat(request["day"])).events
    except AccountBusy as error:
        raise RetryLater(HubCode.MATCHING_BUSY, str(error)) from error
