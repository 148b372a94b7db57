"""What a worker lets others do to it over the broker."""

from collections.abc import Iterator

import pytest
from celery.worker.control import Panel

from hub.worker.app import close_remote_control


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    data, meta = dict(Panel.data), dict(Panel.meta)
    yield
    Panel.data.update(data)
    Panel.meta.update(meta)


def test_flower_may_ask_and_nobody_may_stop_a_worker() -> None:
    close_remote_control()
    assert {"stats", "active_queues", "ping", "active"} <= Panel.data.keys()
    forbidden = {"shutdown", "revoke", "terminate", "rate_limit", "pool_restart", "cancel_consumer", "add_consumer"}
    assert forbidden.isdisjoint(Panel.data)
