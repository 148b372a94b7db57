"""How a worker stands at the broker: as Celery's do, but without a place for tasks that wait in the broker."""

from celery.worker.consumer import Consumer


class HouseConsumer(Consumer):  # type: ignore[misc] # Celery is untyped
    """Celery's, without native delayed delivery.

    Beside quorum queues Celery declares 28 more of them (celery_delayed_0 to 27) for ETAs and countdowns. Ours wait in
    PostgreSQL, so a worker of ours need not declare them, nor have the right to.
    """

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc] # Celery is untyped
        default_steps = tuple(
            step for step in Consumer.Blueprint.default_steps if not step.endswith(":DelayedDelivery")
        )
