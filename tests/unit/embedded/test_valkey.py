"""The embedded Valkey lets nobody in who has not been told."""

from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from hub.embedded.valkey import valkey


def test_nobody_gets_in_without_the_password(tmp_path: Path) -> None:
    with valkey(tmp_path) as url:
        port = int(url.rpartition(":")[2].partition("/")[0])
        with Redis(port=port) as anybody, pytest.raises(AuthenticationError):
            anybody.ping()
