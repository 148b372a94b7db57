"""The append-only file under the witness: what was acknowledged is there, whatever happens."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from connectors.sandbox.effects import DurableLines


def test_lines_that_arrive_during_a_sync_share_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs: list[int] = []
    monkeypatch.setattr(os, "fsync", syncs.append)

    async def write() -> None:
        lines = DurableLines(tmp_path / "lines")
        await asyncio.gather(*(lines.append(f"line {number}") for number in range(100)))
        lines.close()

    asyncio.run(write())
    assert (tmp_path / "lines").read_text().splitlines() == [f"line {number}" for number in range(100)]
    assert len(syncs) <= 3


def test_nobody_is_told_before_the_sync_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    may_end = threading.Event()
    confirmed: list[str] = []

    async def write() -> None:
        lines = DurableLines(tmp_path / "lines")
        monkeypatch.setattr(os, "fsync", lambda _: may_end.wait(10))
        writing = asyncio.create_task(lines.append("one"))
        writing.add_done_callback(lambda _: confirmed.append("one"))
        await asyncio.sleep(0.05)
        assert confirmed == []
        may_end.set()
        await writing
        lines.close()

    asyncio.run(write())


def test_a_line_that_was_torn_by_a_crash_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes("một\nhai\nb".encode())
    lines = DurableLines(path)
    assert lines.loaded == ["một", "hai"]
    asyncio.run(_append(lines, "ba"))
    assert path.read_text().splitlines() == ["một", "hai", "ba"]


def test_a_disk_that_fails_is_reported_and_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lines"
    lines = DurableLines(path)

    async def write() -> None:
        await lines.append("one")
        with monkeypatch.context() as broken:
            broken.setattr(os, "fsync", _disk_full)
            with pytest.raises(OSError, match="full"):
                await lines.append("two")
        await lines.append("three")
        lines.close()

    asyncio.run(write())
    assert path.read_text().splitlines() == ["one", "three"]


def _disk_full(_: int) -> None:
    raise OSError("the disk is full")


async def _append(lines: DurableLines, line: str) -> None:
    await lines.append(line)
    lines.close()
