"""kombu's transport for Valkey and Redis with one client for each channel.

kombu makes a client for every message that it takes and for every one that it acknowledges: a twentieth of a worker's
processor time. A client is safe to share between threads; its connections come from the channel's pool.
"""

from functools import cached_property
from typing import Any

from kombu.transport import redis
from typing_extensions import override


class ValkeyChannel(redis.Channel):  # type: ignore[misc] # kombu is untyped
    @cached_property
    def _shared_client(self) -> Any:
        return super()._create_client()

    @override
    def _create_client(self, asynchronous: bool = False) -> Any:
        return super()._create_client(asynchronous=True) if asynchronous else self._shared_client


class ValkeyTransport(redis.Transport):  # type: ignore[misc] # kombu is untyped
    Channel = ValkeyChannel
