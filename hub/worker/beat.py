"""Beat: the ticks of the workers, how often each comes, and the process that publishes them.

Beat is not Celery's: that one goes by the wall clock, so that setting that clock back mutes it until the old hour comes
again, and it publishes by the exchange's table in Valkey, without which (FLUSHALL, an eviction) its ticks are dropped
silently. Here a tick is published like a wake-up: to a declared queue, and confirmed.

It imports no job, connector or key and reads no catalogue: it starts in half the time of a worker, and needs no secret.
"""

import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import structlog

from config.settings import BeatSettings
from hub import broker
from hub.messages.liveness import SWEEP
from hub.messages.model import Wakeup

POLL: Final = "ticks.poll"
RETENTION: Final = "ticks.retention"
SEAL_LOG: Final = "ticks.seal_log"
WATCH_CONSIGNMENTS: Final = "ticks.watch_consignments"
FEES: Final = "ticks.fees"
PROVE_LEDGER: Final = "ticks.prove_ledger"

WATCH_CONSIGNMENTS_EVERY: Final = 300.0
FEES_EVERY: Final = 300.0
RETENTION_EVERY: Final = 6 * 3600.0
PROVE_LEDGER_EVERY: Final = 3600.0
"""seconds; the ledger is proven once a day, at the first of these after midnight"""
BROKER_PAUSE: Final = 1.0
"""seconds between attempts while the broker is away"""

log = structlog.get_logger(__name__)


def ticks(settings: BeatSettings) -> dict[str, float]:
    """Every tick → seconds between two of it."""
    return {
        SWEEP: settings.sweep_every,
        POLL: settings.poll_every,
        RETENTION: RETENTION_EVERY,
        SEAL_LOG: settings.custody_every,
        WATCH_CONSIGNMENTS: WATCH_CONSIGNMENTS_EVERY,
        FEES: FEES_EVERY,
        PROVE_LEDGER: PROVE_LEDGER_EVERY,
    }


def run(settings: BeatSettings, *, touched: Path) -> None:
    """Publish the ticks until SIGTERM; ``touched`` is touched whenever the broker has confirmed some."""
    publisher = broker.Publisher(broker.application(settings, [broker.TICKS]), settings)

    def publish(names: list[str]) -> None:
        for _ in publisher.publish([Wakeup(broker.TICKS, name) for name in names]):
            pass
        touched.touch()

    stopping = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: stopping.set())
    publish_ticks(ticks(settings), publish, stopping)
    publisher.close()


def publish_ticks(
    ticks: Mapping[str, float],
    publish: Callable[[list[str]], None],
    stopping: threading.Event,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Publish every tick of ``ticks`` (name → seconds between two) at once, and then periodically, until ``stopping``.

    A tick that was missed is not made up for. While ``publish`` raises, what is due stays due.
    """
    due = dict.fromkeys(ticks, now())
    while not stopping.is_set():
        ready = [name for name, at in due.items() if at <= now()]
        try:
            if ready:
                publish(ready)
        except Exception as error:  # noqa: BLE001 - whatever failed, the broker is asked again
            log.warning("ticks_delayed", ticks=ready, error=type(error).__name__)
            stopping.wait(BROKER_PAUSE)
            continue
        due |= {name: now() + ticks[name] for name in ready}
        stopping.wait(max(0.0, min(due.values()) - now()))
