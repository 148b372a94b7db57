"""libfaketime, from the distribution's package: processes whose clock is not the machine's."""

from pathlib import Path
from typing import Final

from tests import debian

PRELOAD: Final = "LD_PRELOAD"


def install() -> str | None:
    """Install it where it is missing and we may. None if it is here, else why not."""
    return None if _library() else debian.install("libfaketime")


def environment(offset: str) -> dict[str, str]:
    """``offset``: "+7m", "-1h", … from the machine's clock; pauses and time-outs, which are monotonic, stay right."""
    library = _library()
    assert library is not None, "install() first"
    return {PRELOAD: str(library), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def _library() -> Path | None:
    """The one for programs with threads."""
    return next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
