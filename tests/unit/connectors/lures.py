"""Documents that swell, and a port to which somebody might be lured."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BILLION_LAUGHS = f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><a>&l9;</a>'.encode()
LAUGHS_IN_ATTRIBUTE = f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><a b="&l9;"/>'.encode()
WIDE = b"<a " + b" ".join(b'a%d=""' % n for n in range(90_000)) + b"/>"


@contextmanager
def a_listener() -> Iterator[tuple[int, Iterator[object]]]:
    """A port that somebody might be lured to, and who came: None if nobody did."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(0.2)

        def visits() -> Iterator[object]:
            while True:
                try:
                    yield server.accept()
                except TimeoutError:
                    yield None

        yield server.getsockname()[1], visits()
