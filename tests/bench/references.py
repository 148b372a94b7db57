"""``python -m tests.bench.references [TEXTS]``: noise of a million remittance texts against 50,000 open demands.

Every text is a statement line of its own and goes through all passes on a database; then what was confirmed and
proposed is held against what its payer meant. Exit 3: one was confirmed for another demand, or too few were found.
"""

import random
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from hub.db import Database
from hub.embedded.postgres import postgres
from hub.migrations.run import upgrade
from tests.fees_noise import Grammar
from tests.fees_scale import DAY, FEES, Figures, demands, judged, reference

OPEN = 50_000
A_DAY = 20_000
RECALL = 0.99


def main() -> int:
    texts = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with TemporaryDirectory(prefix="lienthong-noise-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with postgres(folder / "postgres") as url:
            upgrade(url)
            figures = _measure(url, texts)
    good = not figures.false and figures.recall >= RECALL
    shown = [summary(figures), *figures.false_of[:20], *(f"missed: {one}" for one in figures.missed[:20])]
    sys.stdout.write("".join(f"{one}\n" for one in shown))
    return 0 if good else 3


def _measure(url: str, texts: int) -> Figures:
    figures, database = Figures(), Database(url, size=1)
    database.open()
    with database.connection() as conn:
        demands(conn, OPEN)
        for day in range((texts + A_DAY - 1) // A_DAY):
            begun = monotonic()
            meant = day_of(day, min(A_DAY, texts - day * A_DAY))
            written = list(Grammar(day).texts([reference(number) if number else None for number in meant]))
            judged(conn, DAY + timedelta(days=day), written, amounts_of(day, meant), figures)
            sys.stderr.write(f"{summary(figures)} ({monotonic() - begun:.1f} s)\n")
    database.close()
    return figures


def day_of(seed: int, count: int) -> list[int]:
    """Whose demands are paid in a day: nearly all different ones; 0: nobody's."""
    chance = random.Random(seed)  # noqa: S311 - the same figures every time
    known = chance.sample(range(1, OPEN + 1), count)
    return [0 if chance.random() < 0.1 else number if chance.random() < 0.99 else known[0] for number in known]


def amounts_of(seed: int, meant: Sequence[int]) -> list[int]:
    """What comes: nearly always what is due."""
    chance = random.Random(seed)  # noqa: S311 - the same figures every time
    return [FEES[number % len(FEES)] if number and chance.random() < 0.95 else chance.choice(FEES) for number in meant]


def summary(figures: Figures) -> str:
    return (
        f"{figures.texts} texts, {figures.ours} with a reference that survives: {figures.confirmed} confirmed, "
        f"{figures.proposed} proposed, recall {figures.recall:.5f}; false confirmations {figures.false}"
    )


if __name__ == "__main__":
    sys.exit(main())
