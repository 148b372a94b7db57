"""What is due and was not taken: the sweep that makes a lost broker message cost seconds, not data."""

from collections.abc import Mapping
from typing import Final

from hub.db import Connection
from hub.messages.claim import LANE_HEAD
from hub.messages.inbox import LANE_FREE, QUEUE
from hub.messages.model import Nudge

BATCH: Final = 200
"""How many rows one sweep nudges at each door (at the back door: per counterparty)."""

_INBOX: Final = (
    """
SELECT id FROM inbox WHERE state IN ('received', 'waiting') AND due_at <= now()
  AND (nudged_at IS NULL OR nudged_at < now() - make_interval(secs => %(renudge)s))
  AND """
    + LANE_FREE
    + """
ORDER BY due_at LIMIT %(batch)s
"""
)

_OUTBOX: Final = (
    """
SELECT due.id, due.counterparty FROM counterparty c CROSS JOIN LATERAL (
    SELECT o.id, o.counterparty FROM outbox o
    WHERE o.counterparty = c.code AND o.state IN ('queued', 'retrying', 'unknown') AND o.due_at <= now()
      -- Whoever is under way at this counterparty wakes those who were turned away; only if nobody is, we have to.
      AND NOT (o.turned_away AND EXISTS (SELECT 1 FROM outbox f WHERE f.counterparty = c.code AND f.state = 'sending'
                                         AND f.due_at > now()))
      AND (o.nudged_at IS NULL OR o.nudged_at < now() - make_interval(secs => %(renudge)s)) AND """
    + LANE_HEAD
    + """
    ORDER BY o.deadline, o.seq LIMIT CASE WHEN c.open_until IS NULL THEN %(batch)s ELSE 1 END
) due
WHERE c.paused_at IS NULL AND (c.open_until IS NULL OR c.open_until <= now())
UNION ALL
SELECT o.id, o.counterparty FROM outbox o
WHERE o.state = 'sending' AND o.due_at <= now()
  AND (o.nudged_at IS NULL OR o.nudged_at < now() - make_interval(secs => %(renudge)s))
"""
)


def due(conn: Connection, queues: Mapping[str, str], *, renudge: float) -> list[Nudge]:
    """Whoever is due without a nudge under way (or with one that nobody took for ``renudge`` seconds).

    ``queues``: counterparty → queue.
    """
    parameters = {"renudge": renudge, "batch": BATCH}
    inbound = [Nudge(QUEUE, row["id"]) for row in conn.execute(_INBOX, parameters)]
    outbound = conn.execute(_OUTBOX, parameters).fetchall()
    return inbound + [
        Nudge(queues[row["counterparty"]], row["id"]) for row in outbound if row["counterparty"] in queues
    ]


def mark(conn: Connection, nudges: list[Nudge]) -> None:
    """These nudges are on the broker. A row that was taken meanwhile, or turned away, keeps its own word."""
    inbound = [nudge.id for nudge in nudges if nudge.queue == QUEUE]
    outbound = [nudge.id for nudge in nudges if nudge.queue != QUEUE]
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
