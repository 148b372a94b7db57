"""Read and write files atomically. On failure the command exits with 2 and a sentence."""

import os
from pathlib import Path
from typing import Final

from hub.cli.exits import ExitCode, leave

_OWNER: Final = 0o600
_EVERYBODY: Final = 0o666
"""before the umask"""
MAX_BYTES: Final = 32 * 1024 * 1024
"""limit of a file that a command reads; bundles and statements have the same"""


def read_file(path: Path, *, at_most: int = MAX_BYTES) -> bytes:
    """Read a file. Exits if it is not a regular file, is larger than ``at_most`` bytes, or cannot be read.

    Pipes and devices are refused: they have no size and need not end.
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
    """Exit if no file can be written there. Call it before a step that cannot be undone."""
    if path.is_dir():
        leave(ExitCode.USAGE, f"hub: {path} is a folder; name a file in it")
    if not path.parent.is_dir():
        leave(ExitCode.USAGE, f"hub: there is no folder {path.parent} to write {path.name} into")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        leave(ExitCode.USAGE, f"hub: {path} may not be written here")


def write(path: Path, content: bytes, *, private: bool = False) -> None:
    """Write a file atomically. ``private``: readable by its owner only, since it holds personal data.

    A device or pipe (/dev/stdout) is written to.
    """
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
