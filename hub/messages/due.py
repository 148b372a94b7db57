"""What is due and was not taken: the sweep that makes a lost broker message cost seconds, not data.

One wake-up for each due row. A row remembers since when its wake-up is on the broker (``nudged_at``); whoever takes
it, or is turned away, forgets that. What stands there too long is woken again only as far as the broker has lost some:
more rows believe that they are in a queue than wait in it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from hub.db import Connection
from hub.messages.claim import LANE_HEAD, await_turn
from hub.messages.inbox import LANE_FREE, QUEUE
from hub.messages.model import Wakeup

BATCH: Final = 200
"""How many rows one sweep wake-ups at each door (at the back door: per counterparty)."""

_INBOX_DUE: Final = "inbox.state IN ('received', 'waiting') AND inbox.due_at <= now() AND " + LANE_FREE
_MAY: Final = "o.state IN ('queued', 'retrying', 'unknown', 'sending') AND o.due_at <= now()"

_INBOX: Final = f"SELECT id FROM inbox WHERE nudged_at IS NULL AND {_INBOX_DUE} ORDER BY due_at LIMIT %(batch)s"

_OUTBOX: Final = (
    """
SELECT due.id, due.counterparty FROM counterparty c CROSS JOIN LATERAL (
    SELECT o.id, o.counterparty FROM outbox o
    WHERE o.counterparty = c.code AND o.state IN ('queued', 'retrying', 'unknown') AND o.due_at <= now()
      -- Whoever is under way at this counterparty wakes those who were turned away; only if nobody is, we have to.
      AND NOT (o.turned_away AND EXISTS (SELECT 1 FROM outbox f WHERE f.counterparty = c.code AND f.state = 'sending'
                                         AND f.due_at > now()))
      AND o.nudged_at IS NULL AND """
    + LANE_HEAD
    + """
    ORDER BY o.deadline, o.seq LIMIT CASE WHEN c.open_until IS NULL THEN %(batch)s ELSE 1 END
) due
WHERE c.paused_at IS NULL AND (c.open_until IS NULL OR c.open_until <= now())
UNION ALL
SELECT o.id, o.counterparty FROM outbox o WHERE o.state = 'sending' AND o.due_at <= now() AND o.nudged_at IS NULL
"""
)

_NUDGED: Final = f"""
SELECT id, NULL AS counterparty, nudged_at,
    nudged_at NOT BETWEEN now() - make_interval(secs => %(repeat_after)s) AND clock_timestamp() AS late
FROM inbox WHERE nudged_at IS NOT NULL AND {_INBOX_DUE}
UNION ALL
SELECT o.id, o.counterparty, o.nudged_at,
    o.nudged_at NOT BETWEEN now() - make_interval(secs => %(repeat_after)s) AND clock_timestamp()
FROM outbox o WHERE o.nudged_at IS NOT NULL AND {_MAY} AND {LANE_HEAD}
ORDER BY nudged_at
"""


def due(
    conn: Connection,
    queues: Mapping[str, str],
    *,
    repeat_after: float,
    depths: Callable[[Collection[str]], Mapping[str, int]],
) -> list[Wakeup]:
    """Whoever is due without a wake-up under way, or with one that the broker has lost.

    ``queues``: counterparty → queue. A wake-up counts as late after ``repeat_after`` seconds, or where it is from the
    future (the database's clock was set back); then ``depths`` is asked how
    many messages wait in its queue (a queue that it leaves out is not known, and nothing of it counts as lost).
    """
    inbound = [Wakeup(QUEUE, row["id"]) for row in conn.execute(_INBOX, {"batch": BATCH})]
    outbound = conn.execute(_OUTBOX, {"batch": BATCH}).fetchall()
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
    """The oldest late wake-ups of each queue, as many as it has fewer messages than there are rows woken in it."""
    woken: Counter[str] = Counter()
    late: defaultdict[str, list[Wakeup]] = defaultdict(list)
    for row in conn.execute(_NUDGED, {"repeat_after": repeat_after}):
        queue = _queue_of(row, queues)
        if queue is None:
            continue
        woken[queue] += 1
        if row["late"]:
            late[queue].append(Wakeup(queue, row["id"]))
    if not late:
        return []
    waiting = depths(late.keys())
    lost = [wakeup for queue, depth in waiting.items() for wakeup in late[queue][: max(0, woken[queue] - depth)]]
    _forget(conn, lost)
    return lost


def _queue_of(row: Mapping[str, Any], queues: Mapping[str, str]) -> str | None:
    return QUEUE if row["counterparty"] is None else queues.get(row["counterparty"])


def _forget(conn: Connection, lost: list[Wakeup]) -> None:
    inbound, outbound = _by_door(lost)
    if inbound:
        conn.execute("UPDATE inbox SET nudged_at = NULL WHERE id = ANY(%s)", (inbound,))
    if outbound:
        conn.execute("UPDATE outbox SET nudged_at = NULL WHERE id = ANY(%s)", (outbound,))


def unsent(conn: Connection, wakeups: Collection[Wakeup]) -> list[Wakeup]:
    """Those of these that the broker has to be told: once each, due, next in their lane, and not told of already.

    A transfer that is not the next in its lane is woken by the one before it, as if it had been turned away.
    """
    inbound, outbound = _by_door(wakeups)
    rows: set[str] = set()
    if inbound:
        query = f"SELECT id FROM inbox WHERE id = ANY(%s) AND nudged_at IS NULL AND {_INBOX_DUE}"
        rows |= {row["id"] for row in conn.execute(query, (inbound,))}
    if outbound:
        query = (
            f"SELECT o.id, {LANE_HEAD} AS head FROM outbox o WHERE o.id = ANY(%s) AND o.nudged_at IS NULL AND {_MAY}"
        )
        found = conn.execute(query, (outbound,)).fetchall()
        rows |= {row["id"] for row in found if row["head"]}
        rows |= await_turn(conn, [row["id"] for row in found if not row["head"]])
    return [wakeup for wakeup in dict.fromkeys(wakeups) if wakeup.id in rows]


def mark(conn: Connection, wakeups: Collection[Wakeup]) -> None:
    """These wake-ups are on the broker. A row that was taken meanwhile, or turned away, keeps its own word."""
    inbound, outbound = _by_door(wakeups)
    if inbound:
        conn.execute(
            "UPDATE inbox SET nudged_at = now() WHERE id = ANY(%s) AND state IN ('received', 'waiting')"
            " AND due_at <= now()",
            (inbound,),
        )
    if outbound:
        conn.execute(
            "UPDATE outbox SET nudged_at = now() WHERE id = ANY(%s)"
            " AND state IN ('queued', 'retrying', 'unknown', 'sending') AND due_at <= now() AND NOT turned_away",
            (outbound,),
        )


def _by_door(wakeups: Collection[Wakeup]) -> tuple[list[str], list[str]]:
    """The ids at the front door, and those at the back door."""
    inbound = [wakeup.id for wakeup in wakeups if wakeup.queue == QUEUE]
    return inbound, [wakeup.id for wakeup in wakeups if wakeup.queue != QUEUE]
