"""Files that hold a secret, and folders that another account has to reach."""

import os
import secrets
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` atomically, readable by this account only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def stored_password(path: Path) -> str:
    """Read the password in ``path``; generate and store it the first time."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        password = secrets.token_urlsafe(24)
        write_private(path, password)
        return password


def is_closed(path: Path) -> bool:
    """Whether a folder above ``path`` is closed to accounts that do not own it."""
    return any(folder.exists() and not folder.stat().st_mode & 0o001 for folder in path.resolve().parents)
