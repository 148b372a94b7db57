"""Where a command finds the hub: HUB_… in the environment, else the embedded stack that runs in ./var."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hub.cli.exits import ExitCode, leave

if TYPE_CHECKING:
    from hub.app import Hub
    from hub.db import Connection
    from hub.embedded.stack_folder import StackFolder


def place() -> "StackFolder":
    """The folder of the embedded stack: HUB_VAR, else ./var."""
    from hub.embedded.stack_folder import StackFolder

    return StackFolder(Path(os.environ.get("HUB_VAR") or "var").resolve())


def adopt() -> None:
    """Complete the environment with the running embedded stack's. Raises CatalogueError; leaves where there is none."""
    if "HUB_DATABASE_URL" in os.environ:
        return
    from hub.embedded.stack import running_environment

    told = running_environment(place())
    if told is None:
        leave(
            ExitCode.USAGE,
            f"hub: HUB_DATABASE_URL is not set, and no embedded stack runs in {place().folder} (start one: hub up)",
        )
    os.environ.update(told)


@contextmanager
def database() -> Iterator["Connection"]:
    """A connection for reading."""
    adopt()
    from hub.app import read_settings
    from hub.db import Database

    db = Database(str(read_settings().database_url), size=1)
    try:
        db.open()
        with db.connection() as conn:
            yield conn
    finally:
        db.close()


@contextmanager
def hub() -> Iterator["Hub"]:
    """The hub, plugged together and opened: for what changes something."""
    adopt()
    from hub import app, logging

    logging.configure("WARNING")  # to stderr: stdout is for data, and what went well the command says itself
    with app.build() as hub:
        yield hub
