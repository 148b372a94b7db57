"""Due rows without a wake-up: the sweep, by which a broker message that was lost costs seconds and no data.

Each due row gets one wake-up. ``wakeup_sent_at`` is since when it is on the broker; a claim resets
that, and so does waiting for capacity. A wake-up that is on the broker for too long is repeated only as far as the
broker has lost some: where more rows have one in a queue than the queue's messages can name.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from hub.db import Connection
from hub.messages.claim import FIRST_IN_ORDER, wait_for_order
from hub.messages.inbox import NONE_EARLIER, QUEUE
from hub.messages.model import BATCH, Wakeup

SWEPT: Final = 200
"""rows that one sweep wakes in the inbox, and for each counterparty in the outbox"""

_INBOX_DUE: Final = "inbox.state IN ('received', 'waiting') AND inbox.due_at <= now() AND " + NONE_EARLIER
_OUTBOX_DUE: Final = "o.state IN ('queued', 'retrying', 'unknown', 'sending') AND o.due_at <= now()"

_INBOX: Final = f"SELECT id FROM inbox WHERE wakeup_sent_at IS NULL AND {_INBOX_DUE} ORDER BY due_at LIMIT %(batch)s"

_OUTBOX: Final = (
    """
SELECT due.id, due.counterparty FROM counterparty c CROSS JOIN LATERAL (
    SELECT o.id, o.counterparty FROM outbox o
    WHERE o.counterparty = c.code AND o.state IN ('queued', 'retrying', 'unknown') AND o.due_at <= now()
      -- What is in flight at this counterparty wakes those that wait for capacity; only if nothing is, we have to.
      AND NOT (o.waiting_for_capacity AND EXISTS (
        SELECT 1 FROM outbox f WHERE f.counterparty = c.code AND f.state = 'sending'
                                         AND f.due_at > now()))
      AND o.wakeup_sent_at IS NULL AND """
    + FIRST_IN_ORDER
    + """
    ORDER BY o.deadline, o.seq LIMIT CASE WHEN c.breaker_open_until IS NULL THEN %(batch)s ELSE 1 END
) due
WHERE c.paused_at IS NULL AND (c.breaker_open_until IS NULL OR c.breaker_open_until <= now())
UNION ALL
SELECT o.id, o.counterparty FROM outbox o WHERE o.state = 'sending' AND o.due_at <= now() AND o.wakeup_sent_at IS NULL
"""
)

# A time in the future is from before the database's clock was set back: it counts as late.
_ON_BROKER: Final = f"""
SELECT id, NULL AS counterparty, wakeup_sent_at,
    wakeup_sent_at NOT BETWEEN now() - make_interval(secs => %(repeat_after)s) AND clock_timestamp() AS late
FROM inbox WHERE wakeup_sent_at IS NOT NULL AND {_INBOX_DUE}
UNION ALL
SELECT o.id, o.counterparty, o.wakeup_sent_at,
    o.wakeup_sent_at NOT BETWEEN now() - make_interval(secs => %(repeat_after)s) AND clock_timestamp()
FROM outbox o WHERE o.wakeup_sent_at IS NOT NULL AND {_OUTBOX_DUE} AND {FIRST_IN_ORDER}
ORDER BY wakeup_sent_at
"""


def due(
    conn: Connection,
    queues: Mapping[str, str],
    *,
    repeat_after: float,
    depths: Callable[[Collection[str]], Mapping[str, int]],
) -> list[Wakeup]:
    """Find the due rows that have no wake-up on the broker, or whose wake-up the broker has lost.

    1. Rows without a wake-up, at most SWEPT of the inbox and of each counterparty.
    2. Where wake-ups are late (older than ``repeat_after`` seconds), ask ``depths`` how many messages their queues
       hold. Of each queue the oldest late ones count as lost, as many as rows exceed what its messages can name. A
       queue that ``depths`` leaves out is unknown, and nothing of it counts as lost.

    ``queues``: counterparty → queue.
    """
    inbound = [Wakeup(QUEUE, row["id"]) for row in conn.execute(_INBOX, {"batch": SWEPT})]
    outbound = conn.execute(_OUTBOX, {"batch": SWEPT}).fetchall()
    unsent = inbound + [
        Wakeup(queues[row["counterparty"]], row["id"]) for row in outbound if row["counterparty"] in queues
    ]
    return unsent + _lost(conn, queues, repeat_after, depths)


def _lost(
    conn: Connection,
    queues: Mapping[str, str],
    repeat_after: float,
    depths: Callable[[Collection[str]], Mapping[str, int]],
) -> list[Wakeup]:
    """Step 2 of ``due``; what is lost is not on the broker any more."""
    rows_of: Counter[str] = Counter()
    late_of: defaultdict[str, list[Wakeup]] = defaultdict(list)
    for row in conn.execute(_ON_BROKER, {"repeat_after": repeat_after}):
        queue = _queue_of(row, queues)
        if queue is None:
            continue
        rows_of[queue] += 1
        if row["late"]:
            late_of[queue].append(Wakeup(queue, row["id"]))
    if not late_of:
        return []
    messages_of = depths(late_of.keys())
    lost = [
        wakeup
        for queue, depth in messages_of.items()
        for wakeup in late_of[queue][: max(0, rows_of[queue] - depth * BATCH)]
    ]
    inbound, outbound = _by_table(lost)
    if inbound:
        conn.execute("UPDATE inbox SET wakeup_sent_at = NULL WHERE id = ANY(%s)", (inbound,))
    if outbound:
        conn.execute("UPDATE outbox SET wakeup_sent_at = NULL WHERE id = ANY(%s)", (outbound,))
    return lost


def _queue_of(row: Mapping[str, Any], queues: Mapping[str, str]) -> str | None:
    return QUEUE if row["counterparty"] is None else queues.get(row["counterparty"])


def unsent(conn: Connection, wakeups: Collection[Wakeup]) -> list[Wakeup]:
    """Select those of ``wakeups`` that are to be published: due, first in order, and not on the broker; each once.

    A transfer that is not first of its ordering key waits for the one before it, as it would wait for capacity.
    """
    inbound, outbound = _by_table(wakeups)
    ids: set[str] = set()
    if inbound:
        query = f"SELECT id FROM inbox WHERE id = ANY(%s) AND wakeup_sent_at IS NULL AND {_INBOX_DUE}"
        ids |= {row["id"] for row in conn.execute(query, (inbound,))}
    if outbound:
        query = (
            f"SELECT o.id, {FIRST_IN_ORDER} AS first FROM outbox o"
            f" WHERE o.id = ANY(%s) AND o.wakeup_sent_at IS NULL AND {_OUTBOX_DUE}"
        )
        rows = conn.execute(query, (outbound,)).fetchall()
        ids |= {row["id"] for row in rows if row["first"]}
        ids |= wait_for_order(conn, [row["id"] for row in rows if not row["first"]])
    return [wakeup for wakeup in dict.fromkeys(wakeups) if wakeup.id in ids]


def mark(conn: Connection, wakeups: Collection[Wakeup]) -> None:
    """Record that these wake-ups are on the broker, except for rows that were claimed since or wait for capacity."""
    inbound, outbound = _by_table(wakeups)
    if inbound:
        conn.execute(
            "UPDATE inbox SET wakeup_sent_at = now() WHERE id = ANY(%s) AND state IN ('received', 'waiting')"
            " AND due_at <= now()",
            (inbound,),
        )
    if outbound:
        conn.execute(
            "UPDATE outbox SET wakeup_sent_at = now() WHERE id = ANY(%s)"
            " AND state IN ('queued', 'retrying', 'unknown', 'sending')"
            " AND due_at <= now() AND NOT waiting_for_capacity",
            (outbound,),
        )


def _by_table(wakeups: Collection[Wakeup]) -> tuple[list[str], list[str]]:
    """The ids of the inbox, and those of the outbox."""
    inbound = [wakeup.id for wakeup in wakeups if wakeup.queue == QUEUE]
    return inbound, [wakeup.id for wakeup in wakeups if wakeup.queue != QUEUE]
