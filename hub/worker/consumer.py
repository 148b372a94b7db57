"""How a worker stands at the broker: as Celery's do, but without a place for tasks that wait in the broker."""

from typing import Final

from celery.worker.consumer import Consumer
from celery.worker.control import Panel

HARMLESS: Final = frozenset({"enable_events", "disable_events", "heartbeat", "election"})
"""Commands that start and stop the telling of events, and nothing else."""


class HubConsumer(Consumer):  # type: ignore[misc] # Celery is untyped
    """Celery's, without native delayed delivery.

    Beside quorum queues Celery declares 28 more of them (celery_delayed_0 to 27) for ETAs and countdowns. Ours wait in
    PostgreSQL, so a worker of ours need not declare them, nor have the right to.
    """

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc] # Celery is untyped
        default_steps = tuple(
            step for step in Consumer.Blueprint.default_steps if not step.endswith(":DelayedDelivery")
        )


def close_remote_control() -> None:
    """Leave Flower its questions, and take away every command that changes a worker.

    Whoever holds a broker password that may publish to the workers' pidbox could otherwise stop or starve them.
    """
    for command in Panel.meta.copy():
        if Panel.meta[command].type == "control" and command not in HARMLESS:
            del Panel.data[command], Panel.meta[command]
