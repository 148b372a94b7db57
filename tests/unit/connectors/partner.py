"""A counterparty on a real socket that does to each connection exactly what the test says, byte by byte."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

Behaviour = Callable[[socket.socket, "Partner"], None]


@dataclass
class Partner:
    """What the test sees of it: its address, and the requests that it has read whole."""

    port: int
    scheme: str = "http"
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def read_request(self, connection: socket.socket) -> bytes:
        """One whole request; b"" if the caller has gone."""
        received = b""
        while b"\r\n\r\n" not in received:
            data = connection.recv(65536)
            if not data:
                return b""
            received += data
        head, _, body = received.partition(b"\r\n\r\n")
        while len(body) < _length(head):
            body += connection.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


@contextmanager
def partner(behave: Behaviour, *, tls: ssl.SSLContext | None = None) -> Iterator[Partner]:
    """While it is open, every connection to it is handed to ``behave``, each in a thread, and closed afterwards."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Partner(listener.getsockname()[1], "https" if tls else "http")
    threads: list[threading.Thread] = []
    open_connections: list[socket.socket] = []

    def attend(raw: socket.socket) -> None:
        with suppress(OSError), tls.wrap_socket(raw, server_side=True) if tls else raw as connection:
            open_connections.append(connection)
            connection.settimeout(20)
            behave(connection, server)

    def listen() -> None:
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            server.connections += 1
            threads.append(threading.Thread(target=attend, args=(raw,)))
            threads[-1].start()

    listening = threading.Thread(target=listen)
    listening.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        listening.join()
        for connection in open_connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # whoever still waits for the next request
        for thread in threads:
            thread.join()


def answering(*replies: bytes) -> Behaviour:
    """Reads requests and answers the n-th (over all connections) with the n-th reply, from then on with the last."""
    waiting = list(replies)

    def behave(connection: socket.socket, server: Partner) -> None:
        while server.read_request(connection):
            connection.sendall(waiting.pop(0) if len(waiting) > 1 else waiting[0])

    return behave


def scripted(replies: Iterable[bytes | Behaviour]) -> Behaviour:
    """Does the one thing that the test has thought up, if there is one; otherwise answers with ``replies`` in order."""
    acts = [reply for reply in replies if not isinstance(reply, bytes)]
    return acts[-1] if acts else answering(*(reply for reply in replies if isinstance(reply, bytes)))


def after_reading(act: Callable[[socket.socket], object]) -> Behaviour:
    """Reads one whole request, then does ``act`` to its connection."""

    def behave(connection: socket.socket, server: Partner) -> None:
        server.read_request(connection)
        act(connection)

    return behave


def reset(connection: socket.socket) -> None:
    """Ends the connection with RST instead of FIN, as a process that is killed or a firewall does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def a_closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
