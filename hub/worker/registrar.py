"""The tick of the receipts: what is paid has one, what is not paid any more has none that stands."""

from collections.abc import Callable
from typing import Final

import structlog
from psycopg import Error
from psycopg_pool import PoolTimeout

from config.receipts import ReceiptDesk
from hub import dispatch
from hub.errors import NotYet
from hub.events import Event
from hub.fees.receipts import gaps, issuing, policy, store, voiding
from hub.house import House
from hub.work import Work

PAGE: Final = 200
"""looked up at a time; each is done in a transaction of its own"""

log = structlog.get_logger(__name__)


def follow(house: House) -> int:
    """Void what has lapsed, issue what is missing, open a case for what stays missing. How many were issued or voided.

    Safe to run anywhere and at any time: every receipt is looked at again under the locks of its demand.
    """
    desk = house.catalogue.receipts
    if desk is None:
        return 0
    _keep(house, desk)
    done = _each(house, store.lapsed, voiding.lapse)
    done += _each(house, store.demands_waiting, issuing.issue)
    dispatch.act(house, voiding.BY_ITSELF, lambda work: (gaps.report(work), []))
    return done


def begin(house: House) -> None:
    """From now on what is paid has a receipt: said when a worker starts, so that nothing is paid before the first tick.

    A database that is away hears it at that tick.
    """
    if house.catalogue.receipts is None:
        return
    try:
        _keep(house, house.catalogue.receipts)
    except (Error, PoolTimeout) as error:
        log.warning("receipts_begin_later", why=type(error).__name__)


def _keep(house: House, desk: ReceiptDesk) -> None:
    dispatch.act(house, voiding.BY_ITSELF, lambda work: (None, policy.keep(work, desk.issue_on)))


def _each(house: House, page_of: Callable[..., list[str]], verb: Callable[[Work, str], list[Event]]) -> int:
    after, done = "", 0
    while True:
        with house.db.connection() as conn:
            page = page_of(conn, after=after, limit=PAGE)
        for one in page:
            try:
                dispatch.act(house, voiding.BY_ITSELF, lambda work, one=one: (None, verb(work, one)))  # type: ignore[misc]
            except NotYet as error:
                # The seal cannot sign: no number was taken, and the next tick tries again.
                log.error("receipts_wait", code=error.code, reason=str(error))  # noqa: TRY400 - a reason, not a fault
                return done
            done += 1
        if len(page) < PAGE:
            return done
        after = page[-1]
