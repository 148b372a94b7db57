"""Job of the receipts: issue one for every paid demand, void those of demands that are not paid any more."""

from collections.abc import Callable
from typing import Final

import structlog
from psycopg import Error
from psycopg_pool import PoolTimeout

from config.receipts import ReceiptSettings
from hub import dispatch
from hub.app import Hub
from hub.errors import RetryLater
from hub.events import Event
from hub.fees.receipts import gaps, issuing, store
from hub.unit_of_work import UnitOfWork

PAGE: Final = 200
"""looked up at a time; each is done in a transaction of its own"""

log = structlog.get_logger(__name__)


def issue_and_void(hub: Hub) -> int:
    """Void lapsed receipts, issue missing ones, open an exception for what stays missing. Returns how many it changed.

    Idempotent and safe to run concurrently: every receipt is checked again under the locks of its demand.
    """
    config = hub.catalogue.receipts
    if config is None:
        return 0
    _apply(hub, config)
    done = _each(hub, store.lapsed, issuing.lapse)
    done += _each(hub, store.demands_waiting, issuing.issue)
    dispatch.run_command(hub, issuing.BY_ITSELF, lambda uow: (gaps.report(uow), []))
    return done


def apply_policy(hub: Hub) -> None:
    """Record from when on payments get receipts. At the start of a worker, so that none is paid before the first tick.

    Where the database is away, the first tick records it.
    """
    if hub.catalogue.receipts is None:
        return
    try:
        _apply(hub, hub.catalogue.receipts)
    except (Error, PoolTimeout) as error:
        log.warning("receipts_begin_later", why=type(error).__name__)


def _apply(hub: Hub, config: ReceiptSettings) -> None:
    dispatch.run_command(hub, issuing.BY_ITSELF, lambda uow: (None, store.keep(uow, config.issue_on)))


def _each(hub: Hub, page_of: Callable[..., list[str]], command: Callable[[UnitOfWork, str], list[Event]]) -> int:
    after, done = "", 0
    while True:
        with hub.db.connection() as conn:
            page = page_of(conn, after=after, limit=PAGE)
        for one in page:
            try:
                dispatch.run_command(hub, issuing.BY_ITSELF, lambda uow, one=one: (None, command(uow, one)))  # type: ignore[misc]
            except RetryLater as error:
                # The seal cannot sign: no number was taken, and the next tick tries again.
                log.error("receipts_wait", code=error.code, reason=str(error))  # noqa: TRY400 - a reason, not a fault
                return done
            done += 1
        if len(page) < PAGE:
            return done
        after = page[-1]
