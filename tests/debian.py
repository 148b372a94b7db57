"""Programs that some tests need and that no wheel carries: installed from Debian's packages where that is allowed."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

POLICY: Final = Path("/usr/sbin/policy-rc.d")
"""Debian asks this script before a package starts its service; 101 means no."""


def install(package: str) -> str | None:
    """Install ``package``, without its service being started. None if that went well, else why not."""
    if os.geteuid() != 0:
        return f"{package} is not installed, and only root may install it (apt-get install {package})"
    if shutil.which("apt-get") is None:
        return f"{package} is not installed, and there is no apt-get to install it"
    with _no_services():
        for words in (["update"], ["install", "-y", "--no-install-recommends", package]):
            done = _apt(words)
            if done.returncode != 0:
                lines = (done.stderr or done.stdout).strip().splitlines() or ["no word why"]
                return f"{package} is not installed, and apt-get {words[0]} failed: {lines[-1][:200]}"
    return None


def _apt(words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", *words],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def _no_services() -> Iterator[None]:
    """Keep packages from starting their services: we want the programs, not a server on its usual port."""
    if POLICY.exists():  # whoever wrote it has decided
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
