"""A throw-away token: SoftHSM from the distribution's package, its objects in a folder of its own."""

import os
import subprocess
from pathlib import Path
from typing import Final

from tests import debian

PIN: Final = "12345678"
LABEL: Final = "hub"
NOT_INSTALLED: Final = "SoftHSM is not installed"
_MODULES: Final = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/lib64/pkcs11/libsofthsm2.so"),
    Path("/usr/local/lib/softhsm/libsofthsm2.so"),
)


def module() -> Path:
    """The PKCS#11 library. Raises FileNotFoundError."""
    for path in _MODULES:
        if path.exists():
            return path
    raise FileNotFoundError(_MODULES[0])


def available() -> str | None:
    """None if a token can be made here, else why not."""
    return None if any(path.exists() for path in _MODULES) else NOT_INSTALLED


def install() -> str | None:
    """Install the distribution's package where it is missing and we may. None if SoftHSM is here, else why not."""
    if available() is None:
        return None
    return debian.install("softhsm2") or available()


def initialise(folder: Path) -> dict[str, str]:
    """A fresh token called LABEL in ``folder``; the environment in which its library finds it."""
    tokens = folder / "tokens"
    tokens.mkdir(parents=True)
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
    environment = {"SOFTHSM2_CONF": str(configuration)}
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--so-pin", PIN, "--pin", PIN],
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
        timeout=60,
    )
    return environment
