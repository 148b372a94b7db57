"""The processes: a worker on some or all queues, and beat."""

from collections.abc import Sequence
from pathlib import Path

from hub import broker
from hub.wiring import Hub
from hub.worker import app as house
from hub.worker.consumer import close_remote_control


def worker(hub: Hub, *, queues: Sequence[str], threads: int, name: str) -> None:
    """Consume ``queues`` (none: all) with ``threads`` threads until SIGTERM. ``name`` stands in Flower."""
    close_remote_control()
    with hub:
        app = house.create(hub)
        wanted = list(queues) or broker.queue_names(hub.catalogue)
        app.worker_main(
            [
                "worker",
                "--pool=threads",
                f"--concurrency={threads}",
                f"--queues={','.join(wanted)}",
                f"--hostname={name}@%h",
                f"--loglevel={hub.settings.log_level}",
                "--without-gossip",
                "--without-mingle",
            ]
        )


def beat(hub: Hub, *, schedule: Path) -> None:
    """Send the ticks until SIGTERM; ``schedule`` is where beat remembers when it last did."""
    app = house.create(hub)
    app.Beat(schedule=str(schedule), loglevel=hub.settings.log_level, quiet=True).run()
