"""Files that commands read and write, whole or not at all; where that cannot be, a sentence and exit 2."""

import os
from pathlib import Path
from typing import Final

from hub.cli.exits import ExitCode, leave

_OWNER: Final = 0o600
_EVERYBODY: Final = 0o666
"""less what the umask takes away"""
MOST: Final = 32 * 1024 * 1024
"""bytes that a command reads of a file that somebody sent; bundles and statements have the same bound"""


def read_sent(path: Path, *, at_most: int = MOST) -> bytes:
    """All of a file that somebody sent; leaves where it is none, larger than ``at_most`` bytes, or not to be read.

    A pipe or a device is no file: it has no size and need not end.
    """
    if not path.is_file():
        leave(ExitCode.USAGE, f"hub: {path} is not a file")
    try:
        with path.open("rb") as file:
            content = file.read(at_most + 1)
    except OSError as error:
        leave(ExitCode.USAGE, f"hub: {path} cannot be read: {error.strerror}")
    if len(content) > at_most:
        leave(ExitCode.USAGE, f"hub: {path} is larger than {at_most >> 20} MiB")
    return content


def check(path: Path) -> None:
    """Leave where no file can come to stand there: asked before something is done that cannot be taken back."""
    if path.is_dir():
        leave(ExitCode.USAGE, f"hub: {path} is a folder; name a file in it")
    if not path.parent.is_dir():
        leave(ExitCode.USAGE, f"hub: there is no folder {path.parent} to write {path.name} into")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        leave(ExitCode.USAGE, f"hub: {path} may not be written here")


def write(path: Path, content: bytes, *, private: bool = False) -> None:
    """``private``: for nobody but whoever writes it, for it holds personal data. What is no file is written to."""
    check(path)
    try:
        if path.exists() and not path.is_file():  # /dev/stdout, a pipe
            path.write_bytes(content)
            return
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        mode = _OWNER if private else _EVERYBODY
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
        fresh.replace(path)
    except OSError as error:
        leave(ExitCode.USAGE, f"hub: {path} cannot be written: {error.strerror}")
