"""What was notified and is on no statement when it should be: an exception for the provider's answer (N01)."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from hub.audit import AuditAction
from hub.clock import local
from hub.fees import exceptions, payments
from hub.fees.reconciliation import cash
from hub.fees.reconciliation.matching.effects import MatchRun
from hub.unit_of_work import UnitOfWork

NIGHT: Final = (time(22), time(5))
"""what is paid between these is booked by many banks on the next day"""

_WAITING: Final = """
SELECT id, source, provider, amount, paid_at, business_date FROM payment
WHERE account = %(account)s AND status = 'notified' AND business_date < %(day)s
    AND %(day)s <= (SELECT max(to_date) FROM statement WHERE account = %(account)s AND chain IS NOT NULL)
ORDER BY business_date, provider, provider_txn FOR UPDATE
"""

_UNSHOWN: Final = """
SELECT id, provider, amount, business_date FROM payment
WHERE account = %s AND business_date <= %s AND source <> 'postman' AND status = 'notified'
ORDER BY business_date, provider, provider_txn
"""


def due_on(uow: UnitOfWork, paid_at: datetime, business_date: date) -> date:
    """The booking day by whose end it has to be on a statement: T+1 in working days, T+2 for the night's."""
    begins, ends = NIGHT
    hour = local(paid_at).time()
    late = begins <= hour or hour < ends
    evening = business_date - timedelta(days=1) if hour < ends else business_date
    return uow.calendar.after(evening, 2 if late else 1)


def remitted_by(uow: UnitOfWork, provider: str, business_date: date) -> date:
    """The booking day by whose end its operator has to pay in what a postman collected: its own working days after."""
    operator = uow.catalogue.operators.get(provider.removeprefix(cash.PROVIDER))
    return uow.calendar.after(business_date, (operator.remits_within_working_days if operator else None) or 1)


def _due_on(uow: UnitOfWork, row: Mapping[str, Any]) -> date:
    if row["source"] == cash.SOURCE:
        return remitted_by(uow, row["provider"], row["business_date"])
    return due_on(uow, row["paid_at"], row["business_date"])


def look(match_run: MatchRun) -> None:
    """Open an N01 for each notified payment that a statement up to ``scope.day`` should have shown."""
    uow = match_run.uow
    waiting = uow.conn.execute(_WAITING, match_run.scope.parameters).fetchall()
    overdue = [row for row in waiting if _due_on(uow, row) <= match_run.scope.day]
    payments.mark_overdue(uow.conn, [row["id"] for row in overdue])
    for row in overdue:
        opened = _open_exception(uow, match_run.scope.account, row)
        uow.write_audit(
            row["id"], AuditAction.PAYMENT_OVERDUE, before="notified", after="unconfirmed_overdue", reason=opened
        )
        match_run.counters["N01"] += opened is not None


def closed(uow: UnitOfWork, account: str, day: date) -> None:
    """``day`` is closed: what was notified of it and no statement shows yet is an exception from now on, not first
    when it is overdue, for the month may be handed over before. The statement that shows it ends the exception.
    """
    for row in uow.conn.execute(_UNSHOWN, (account, day)).fetchall():
        _open_exception(uow, account, row)


def _open_exception(uow: UnitOfWork, account: str, row: Mapping[str, Any]) -> str | None:
    facts = {"payment": row["id"], "account": account, "paid_on": row["business_date"].isoformat()}
    facts["provider"] = row["provider"]
    return exceptions.open_exception(uow, "N01", "payment", row["id"], row["amount"], facts)
