"""The public test vectors beside this file (published/SOURCES.md)."""

import json
from pathlib import Path
from typing import Any


def vectors(name: str) -> Any:
    return json.loads((Path(__file__).parent / "published" / f"{name}.json").read_bytes())
