"""The tick of the receipts: what is paid has one, what is not paid any more has none that stands."""

from collections.abc import Callable
from typing import Final

import structlog
from psycopg import Error
from psycopg_pool import PoolTimeout

from config.receipts import ReceiptDesk
from hub import dispatch
from hub.app import Hub
from hub.errors import RetryLater
from hub.events import Event
from hub.fees.receipts import gaps, issuing, policy, store, voiding
from hub.unit_of_work import UnitOfWork

PAGE: Final = 200
"""looked up at a time; each is done in a transaction of its own"""

log = structlog.get_logger(__name__)


def follow(hub: Hub) -> int:
    """Void what has lapsed, issue what is missing, open a case for what stays missing. How many were issued or voided.

    Safe to run anywhere and at any time: every receipt is looked at again under the locks of its demand.
    """
    desk = hub.catalogue.receipts
    if desk is None:
        return 0
    _keep(hub, desk)
    done = _each(hub, store.lapsed, voiding.lapse)
    done += _each(hub, store.demands_waiting, issuing.issue)
    dispatch.run_command(hub, voiding.BY_ITSELF, lambda uow: (gaps.report(uow), []))
    return done


def begin(hub: Hub) -> None:
    """From now on what is paid has a receipt: said when a worker starts, so that nothing is paid before the first tick.

    A database that is away hears it at that tick.
    """
    if hub.catalogue.receipts is None:
        return
    try:
        _keep(hub, hub.catalogue.receipts)
    except (Error, PoolTimeout) as error:
        log.warning("receipts_begin_later", why=type(error).__name__)


def _keep(hub: Hub, desk: ReceiptDesk) -> None:
    dispatch.run_command(hub, voiding.BY_ITSELF, lambda uow: (None, policy.keep(uow, desk.issue_on)))


def _each(hub: Hub, page_of: Callable[..., list[str]], verb: Callable[[UnitOfWork, str], list[Event]]) -> int:
    after, done = "", 0
    while True:
        with hub.db.connection() as conn:
            page = page_of(conn, after=after, limit=PAGE)
        for one in page:
            try:
                dispatch.run_command(hub, voiding.BY_ITSELF, lambda uow, one=one: (None, verb(uow, one)))  # type: ignore[misc]
            except RetryLater as error:
                # The seal cannot sign: no number was taken, and the next tick tries again.
                log.error("receipts_wait", code=error.code, reason=str(error))  # noqa: TRY400 - a reason, not a fault
                return done
            done += 1
        if len(page) < PAGE:
            return done
        after = page[-1]
