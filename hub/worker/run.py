"""The processes: a worker on some or all queues, and beat."""

import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from socket import gethostname
from typing import NoReturn

from hub import broker
from hub.app import Hub
from hub.messages.model import Wakeup
from hub.worker import app, ticking
from hub.worker.consumer import close_remote_control
from hub.worker.heartbeat import heartbeat
from hub.worker.jobs import issue_receipts


def worker(hub: Hub, *, queues: Sequence[str], threads: int, name: str) -> NoReturn:
    """Consume ``queues`` (none: all) with ``threads`` threads until SIGTERM. ``name`` stands in Flower.

    Ends the process with Celery's exit code, which is not 0 if the worker could not go on.
    """
    close_remote_control()
    with hub:
        issue_receipts.begin(hub)
        consumed = list(queues) or broker.queue_names(hub.catalogue)
        made = app.create(hub, consumed)
        # Not app.worker_main: Celery's command line loads its prompt and Flower's command, 12 MiB that stay.
        process = made.Worker(
            hostname=f"{name}@{gethostname()}",
            pool="threads",
            concurrency=threads,
            queues=consumed,
            loglevel=hub.settings.log_level,
            quiet=True,
            without_gossip=True,
            without_mingle=True,
        )
        with heartbeat(hub.db, process.hostname, consumed):
            process.start()
    sys.exit(process.exitcode)


def beat(hub: Hub, *, touched: Path) -> None:
    """Send the ticks until SIGTERM; ``touched`` is touched whenever the broker has taken some."""
    publisher = broker.Publisher(broker.application(hub.settings, hub.catalogue), hub.settings)

    def publish(names: list[str]) -> None:
        for _ in publisher.publish([Wakeup(broker.TICKS, name) for name in names]):
            pass
        touched.touch()

    stopping = threading.Event()
    for told in (signal.SIGTERM, signal.SIGINT):
        signal.signal(told, lambda *_: stopping.set())
    ticking.run(app.ticks(hub.settings), publish, stopping)
    publisher.close()
