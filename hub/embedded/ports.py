"""Free TCP ports on the loopback, from below the kernel's ephemeral range, so that no outgoing connection takes one."""

import random
import socket
from collections.abc import Collection
from typing import Final

from hub.embedded.process import CannotStart

LOOPBACK: Final = "127.0.0.1"
_RANGE: Final = range(15_000, 32_000)
_TRIES: Final = 200


def free_port(preferred: int = 0, *, taken: Collection[int] = ()) -> int:
    """Return ``preferred`` if it is free, else another that is. ``taken`` are reserved already. Raises CannotStart."""
    if preferred and preferred not in taken and is_free(preferred):
        return preferred
    for port in random.sample(_RANGE, _TRIES):
        if port not in taken and is_free(port):
            return port
    raise CannotStart(f"no free TCP port on {LOOPBACK} between {_RANGE.start} and {_RANGE.stop}")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
