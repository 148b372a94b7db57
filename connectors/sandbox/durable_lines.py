"""An append-only file of lines that are on the disk before anybody is told so."""

import asyncio
import os
from pathlib import Path


class DurableLines:
    """``append`` returns when the line is synced. Lines that arrive during a sync share the next one (group commit).

    ``loaded`` holds the lines that were there. A torn last line (a crash while writing) is cut off: nobody was told
    that it is kept.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.loaded, self._size = _whole_lines(path)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._file, self._size)
        _sync_folder(path.parent)
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._flusher: asyncio.Task[None] | None = None

    async def append(self, line: str) -> None:
        """Raises OSError when the disk does not take the line; the file is then as before."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((line.encode() + b"\n", written))
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush())
        await written

    def close(self) -> None:
        os.close(self._file)

    async def _flush(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            failure: OSError | None = None
            try:
                await asyncio.to_thread(self._write, b"".join(line for line, _ in batch))
            except OSError as error:
                failure = error
            for _, written in batch:
                if written.cancelled():
                    continue
                if failure is None:
                    written.set_result(None)
                else:
                    written.set_exception(failure)

    def _write(self, data: bytes) -> None:
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(self._file, left) :]
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(data)


def _whole_lines(path: Path) -> tuple[list[str], int]:
    """The complete lines of the file, and how many bytes they take."""
    if not path.exists():
        return [], 0
    whole, newline, _torn = path.read_bytes().rpartition(b"\n")
    return (whole.decode().split("\n"), len(whole) + len(newline)) if newline else ([], 0)


def _sync_folder(folder: Path) -> None:
    """So that the file's name survives a power cut too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
