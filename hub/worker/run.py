"""The processes: a worker on some or all queues, and beat."""

import sys
from collections.abc import Sequence
from pathlib import Path
from socket import gethostname
from typing import NoReturn

from hub import broker
from hub.wiring import Hub
from hub.worker import app as house
from hub.worker import registrar
from hub.worker.consumer import close_remote_control


def worker(hub: Hub, *, queues: Sequence[str], threads: int, name: str) -> NoReturn:
    """Consume ``queues`` (none: all) with ``threads`` threads until SIGTERM. ``name`` stands in Flower.

    Ends the process with Celery's exit code, which is not 0 if the worker could not go on.
    """
    close_remote_control()
    with hub:
        registrar.begin(hub)
        consumed = list(queues) or broker.queue_names(hub.catalogue)
        app = house.create(hub, consumed)
        # Not app.worker_main: Celery's command line loads its prompt and Flower's command, 12 MiB that stay.
        process = app.Worker(
            hostname=f"{name}@{gethostname()}",
            pool="threads",
            concurrency=threads,
            queues=consumed,
            loglevel=hub.settings.log_level,
            quiet=True,
            without_gossip=True,
            without_mingle=True,
        )
        process.start()
    sys.exit(process.exitcode)


def beat(hub: Hub, *, schedule: Path) -> None:
    """Send the ticks until SIGTERM; ``schedule`` is where beat remembers when it last did."""
    app = house.create(hub)
    app.Beat(schedule=str(schedule), loglevel=hub.settings.log_level, quiet=True).run()
