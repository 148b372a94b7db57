"""The catalogues whose partners keep their contracts, and what every folder of recordings has to hold."""

import tomllib
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final

from config.settings import PACKAGED
from tests.catalogue_secrets import CATALOGUE

CATALOGUES: Final = {"shipped": PACKAGED, "tests": CATALOGUE}


def partners(kind: str, *, with_: str = "code") -> Iterator[tuple[str, str]]:
    """(catalogue, code) of every partner in the folder ``kind`` of the catalogues whose TOML has the part ``with_``."""
    for name, folder in CATALOGUES.items():
        for path in sorted((folder / kind).glob("*.toml")):
            document = tomllib.loads(path.read_text())
            if with_ in document:
                yield name, document["code"]


def holds_exactly(folder: Path, files: AbstractSet[str], code: str) -> None:
    """The recordings of the partner ``code`` are these files, no more and no fewer. Raises AssertionError."""
    recorded = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    missing, left_over = sorted(files - recorded), sorted(recorded - files)
    assert not missing, f"{folder} lacks what {code}.toml asks for: {', '.join(missing)}"
    assert not left_over, f"{folder} has what {code}.toml lacks: {', '.join(left_over)}"
