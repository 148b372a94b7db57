"""The database: the connection pool, and the one place where transactions begin and commit."""

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import psycopg
import structlog
from psycopg.abc import Params, QueryNoTemplate
from psycopg.errors import DeadlockDetected, LockNotAvailable, ProgramLimitExceeded, SerializationFailure
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

LOCK_TIMEOUT: Final = "5s"
"""after which a statement gives up waiting for a lock; then the message is retried"""

BUSY: Final = (DeadlockDetected, LockNotAvailable, SerializationFailure)
"""errors of a transaction that another one was in the way of: it is rolled back and may be retried"""
BUSY_TRIES: Final = 4
BUSY_PAUSE: Final = 0.2
"""seconds at most before the second try; twice that before the third, and so on"""

ASYNC_COMMIT: Final = "SET LOCAL synchronous_commit = off"
"""the transaction is answered before it is on disk: for claims and marks, whose loss costs a repetition"""

NOTICED_WITHIN: Final = 12.0
"""seconds after which a network that says nothing any more is an error, by the times below"""
_NETWORK: Final = {
    # Sent and not acknowledged (10 s), or waiting for an answer from a machine that is gone (5 + 3 × 2 s).
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "connect_timeout": 5,
}
_RECONNECT_WITHIN: Final = 10.0
"""seconds in which the pool itself tries again (after 1, 3, 7, 10); then it tries whenever a connection is asked for.
By default its pauses double for 300 s: after an outage of two minutes it would wait for another two"""

# A client machine that vanished is noticed within a minute, and its locks are released.
_KEEPALIVES: Final = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"

Connection = psycopg.Connection[DictRow]
Done = TypeVar("Done")

log = structlog.get_logger(__name__)


class Database:
    """A pool of connections to PostgreSQL. Outside ``transaction`` a connection commits every statement."""

    def __init__(self, url: str, *, size: int) -> None:
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url,
            min_size=1,
            max_size=size,
            open=False,
            timeout=10,
            reconnect_timeout=_RECONNECT_WITHIN,
            kwargs={
                **_NETWORK,
                "autocommit": True,
                "row_factory": dict_row,
                "options": f"-c lock_timeout={LOCK_TIMEOUT} -c timezone=UTC -c jit=off {_KEEPALIVES}",
                "application_name": "lienthong-hub",
            },
        )

    def open(self) -> None:
        """Connect. Raises psycopg_pool.PoolTimeout if the database does not answer within 10 s."""
        self._pool.open(wait=True, timeout=10)

    def close(self) -> None:
        self._pool.close()

    @contextmanager
    def connection(self, *, wait: float | None = None) -> Iterator[Connection]:
        """A connection on which every statement is its own transaction.

        Raises psycopg_pool.PoolTimeout if none is free within ``wait`` seconds (None: 10).
        """
        with self._pool.connection(wait) as conn, _limits_are_faults():
            yield conn

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back on an exception.

        ``durable=False`` answers before the commit is on disk: for claims and marks, whose loss costs a repetition.
        """
        with self._pool.connection() as conn, _limits_are_faults(), conn.transaction():
            if not durable:
                conn.execute(ASYNC_COMMIT)
            yield conn


@contextmanager
def _limits_are_faults() -> Iterator[None]:
    """Raise DataError for a statement beyond PostgreSQL's limits (class 54), which psycopg counts as operational.

    An operational error means that the database is away and comes back; no waiting mends a value that is too large.
    """
    try:
        yield
    except ProgramLimitExceeded as error:
        raise psycopg.DataError(str(error)) from error


def retried(transaction: Callable[[], Done]) -> Done:
    """Run a whole transaction, and again where another one was in its way. Raises one of BUSY after BUSY_TRIES."""
    for tries in range(1, BUSY_TRIES):
        try:
            return transaction()
        except BUSY as error:
            log.info("transaction_retried", error=type(error).__name__, tries=tries)
            # Those that were in each other's way must not meet again.
            time.sleep(random.SystemRandom().uniform(0, BUSY_PAUSE * 2 ** (tries - 1)))
    return transaction()


def as_set(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as JSON for json_to_recordset, of which thousands cost a tenth of what arrays of their columns cost.

    Dates and times are written in ISO form; bytes have to be text already.
    """
    return json.dumps(rows, ensure_ascii=False, default=str)


def one(conn: Connection, query: QueryNoTemplate, parameters: Params) -> DictRow:
    """The single row that ``query`` gives. Raises LookupError if there is none."""
    row = conn.execute(query, parameters).fetchone()
    if row is None:
        raise LookupError("no row")
    return row
