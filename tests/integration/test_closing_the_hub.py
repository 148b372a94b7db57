"""A process that has left the hub holds nothing of it."""

import time
from urllib.parse import urlsplit

import psutil
import pytest

from config.catalogue import Catalogue
from config.settings import Settings
from hub.app import Hub
from hub.messages import inbox
from hub.messages.model import Wakeup
from tests.builders import submission_arrival


def connections(url: str) -> int:
    """How many this process has to the broker at ``url``."""
    port = urlsplit(url).port
    return sum(bool(one.raddr) and one.raddr.port == port for one in psutil.Process().net_connections("tcp"))


@pytest.mark.parametrize("broker", ["valkey_url", "rabbit_url"])
def test_a_hub_that_was_closed_keeps_no_connection_to_its_broker(
    broker: str, settings: Settings, catalogue: Catalogue, request: pytest.FixtureRequest
) -> None:
    url: str = request.getfixturevalue(broker)
    with Hub(settings.model_copy(update={"broker_url": url}), catalogue) as hub:
        before = connections(url)
        with hub.db.connection() as conn:
            accepted = inbox.accept(conn, submission_arrival())
        hub.wake([Wakeup(inbox.QUEUE, accepted.id)])
        until = time.monotonic() + 120
        while connections(url) == before:
            assert time.monotonic() < until
            time.sleep(0.02)
    assert connections(url) == before
