"""Folders for throw-away servers: in memory where it is large enough, open to the account of PostgreSQL.

Not under pytest's own folder, which a second pytest that starts meanwhile closes to that account. On a busy disk a
database is made and dropped in 2 s, in memory in 30 ms.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import disk_usage
from tempfile import TemporaryDirectory
from typing import Final

_SPACE: Final = 4 * 2**30
"""bytes that must be free in memory"""


def in_memory() -> Path | None:
    """A file system in memory with space to spare; None: the usual temporary folder."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and disk_usage(memory).free > _SPACE else None


@contextmanager
def server_folder() -> Iterator[Path]:
    """A new folder, removed at the end."""
    with TemporaryDirectory(prefix="lienthong-", dir=in_memory()) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
