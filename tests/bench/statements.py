"""Statements: our readers against the bare libraries on the same files, and what a large file takes of memory."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from lxml import etree

from config.statements import Mt940
from connectors.banks.statements import camt, mt940
from tests.bench.rows import BenchRow, Pairs, at_least, at_most, in_turn
from tests.bench.statement_files import camt_file, mt940_text

MEGABYTE: Final = 1024 * 1024
SIZE: Final = 50 * MEGABYTE
ROUNDS: Final = 3
MT940_ENTRIES: Final = 20_000


def rows() -> list[BenchRow]:
    with TemporaryDirectory(prefix="lienthong-bench-") as folder:
        path = Path(folder) / "statement.xml"
        entries = camt_file(path, SIZE)
        camt_pairs = in_turn(lambda: _rate(entries, path, _bare_camt), lambda: _rate(entries, path, _our_camt), ROUNDS)
        peak = _peak(path)
    text = mt940_text(MT940_ENTRIES)
    mt940_pairs = Pairs(camt_pairs.values, tuple(_pace(MT940_ENTRIES, lambda: _our_mt940(text)) for _ in range(ROUNDS)))
    return [
        at_least("camt.053: reader / bare lxml iterparse", "entries/s", camt_pairs, 0.8, f"{SIZE // MEGABYTE} MB"),
        at_most("camt.053: memory of the whole process", "MiB", 64, peak, 64, "< 64 MiB", "flat: entries are freed"),
        at_least("MT940: reader / our camt.053 reader", "entries/s", mt940_pairs, 0.5, f"{MT940_ENTRIES} entries"),
    ]


def _rate(entries: int, path: Path, read: Callable[[Path], int]) -> float:
    def once() -> int:
        return read(path)

    return _pace(entries, once)


def _pace(entries: int, read: Callable[[], int]) -> float:
    """Entries for each second of this process's own time: what else the machine does is left out."""
    started = time.process_time()
    assert read() == entries
    return entries / (time.process_time() - started)


def _bare_camt(path: Path) -> int:
    """Five fields of each entry, by the library alone, the elements freed."""
    seen = 0
    ns = "{urn:iso:std:iso:20022:tech:xsd:camt.053.001.08}"
    with path.open("rb") as file:
        for _, entry in etree.iterparse(file, events=("end",), tag=f"{ns}Ntry"):
            entry.findtext(f"{ns}Amt")
            entry.findtext(f"{ns}CdtDbtInd")
            entry.findtext(f"{ns}BookgDt/{ns}Dt")
            entry.findtext(f"{ns}NtryDtls/{ns}TxDtls/{ns}Refs/{ns}EndToEndId")
            entry.findtext(f"{ns}NtryDtls/{ns}TxDtls/{ns}RmtInf/{ns}Ustrd")
            entry.clear()
            parent = entry.getparent()
            while parent is not None and entry.getprevious() is not None:
                del parent[0]
            seen += 1
    return seen


def _our_camt(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for portion in camt.stream(file) for _ in portion.entries)


def _our_mt940(text: str) -> int:
    return sum(1 for portion in mt940.read(text.encode(), Mt940()) for _ in portion.entries)


def _peak(path: Path) -> float:
    """MiB that a process takes which reads the file and does nothing else."""
    process = subprocess.run([sys.executable, "-m", "tests.bench.statements", path], check=True, capture_output=True)
    return float(process.stdout)


if __name__ == "__main__":
    _our_camt(Path(sys.argv[1]))
    # getrusage would tell of the process that this one was forked from as well.
    [peak] = [line for line in Path("/proc/self/status").read_text("ascii").splitlines() if line.startswith("VmHWM:")]
    print(int(peak.split()[1]) / 1024)
