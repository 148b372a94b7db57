"""One errand: the row that a task names, and what becomes due by it, as far as this worker may go on by itself.

The broker would bring the same rows back to this worker, a message each, at more cost than the rows themselves. The
laws hold as before: each row is claimed by itself, in order, as far as its counterparty has capacity.
"""

import time
from collections.abc import Callable, Collection
from typing import Final

from hub import delivery, dispatch
from hub.app import Hub
from hub.messages import inbox

ROWS: Final = 8
"""in one errand; then others have their turn"""
SECONDS: Final = 1.0
"""after which no errand goes on: a worker that is told to stop waits for the errands under way"""


def run(hub: Hub, verb: Callable[[Hub, str], None], row_id: str, queues: Collection[str], *, rows: int = ROWS) -> None:
    """Do ``verb`` for this row; then go on with what has become due in ``queues``. What is left goes to the broker."""
    until = time.monotonic() + SECONDS
    with hub.prompt_queue(queues) as prompt_queue:
        verb(hub, row_id)
        for _ in range(rows - 1):
            if time.monotonic() > until or (wakeup := prompt_queue.take()) is None:
                return
            following = dispatch.handle if wakeup.queue == inbox.QUEUE else delivery.deliver
            following(hub, wakeup.id)
