"""Reader server, ``python -m hub.untrusted.server FD``: imports the readers once, and forks a child for each file.

FD is a socket; each message on it carries another one (SCM_RIGHTS), over which the fork receives its request and
answers (hub.untrusted.client). A fork sets its limits before it reads a byte. The server itself reads none, and ends
with the process that started it, or after IDLE seconds without a file.
"""

import json
import os
import resource
import select
import signal
import socket
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

from hub.untrusted import client
from hub.untrusted.readers import READERS
from schemas.statement import UnreadableFile

IDLE: Final = 60
"""seconds"""


def serve(control: socket.socket) -> None:
    """Fork for one file after another, and send each fork's exit status."""
    while select.select([control], [], [], IDLE)[0]:
        token, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not token:
            return
        fork = os.fork()
        if fork == 0:
            control.close()
            _read(socket.socket(fileno=descriptors[0]))
            os._exit(0)
        os.close(descriptors[0])
        control.sendall(os.waitpid(fork, 0)[1].to_bytes(4, "big"))


def _read(channel: socket.socket) -> None:
    with channel, channel.makefile("rb") as source, channel.makefile("wb") as answer:
        request = json.loads(source.readline())
        _limit(request["size"])
        raw = source.read(request["size"])
        if len(raw) == request["size"]:  # else the client has gone
            answer.write(b"." + json.dumps(_answer(request, raw, answer)).encode() + b"\n")


def _answer(request: dict[str, Any], raw: bytes, answer: BinaryIO) -> dict[str, Any]:
    """Write the reader's lines, and return its final status."""
    try:
        answer.writelines(b"+" + line + b"\n" for line in READERS[request["reader"]](request["how"], raw))
    except UnreadableFile as error:
        return {"end": "unreadable", "code": error.code, "sentence": error.sentence, "line": error.line}
    except MemoryError:
        return {"end": "memory"}
    except BrokenPipeError:
        os._exit(0)
    except Exception as error:  # noqa: BLE001 - an internal error; the client logs it
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return {"end": "fault", "error": type(error).__name__, "where": f"{frame.filename}:{frame.lineno}"}
    return {"end": "read"}


def _limit(size: int) -> None:
    """Limit memory and time of this process. Exits if the system does not allow that."""
    with suppress(OSError):  # the OOM killer takes this process first
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    try:
        for what, most in (
            (resource.RLIMIT_AS, client.memory_limit(size)),
            (resource.RLIMIT_CPU, client.seconds_limit(size)),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
        ):
            hard = resource.getrlimit(what)[1]
            soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
            # SIGXCPU a second before SIGKILL: where both are due the kernel sends SIGKILL, as when memory ran out.
            later = 1 if what == resource.RLIMIT_CPU and soft != hard else 0
            resource.setrlimit(what, (soft, soft + later))
    except (OSError, ValueError):
        traceback.print_exc()
        os._exit(client.UNLIMITED)
    signal.alarm(client.seconds_limit(size) * client.SLOWER)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # a parser that panics prints parts of the file


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, with which this process ends
    serve(socket.socket(fileno=int(sys.argv[1])))
