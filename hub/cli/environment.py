"""The hub of a command: HUB_… in the environment, else the embedded stack that runs in ./var."""

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


def adopt(needed: str = "HUB_DATABASE_URL") -> None:
    """Complete the environment with that of the running embedded stack, unless ``needed`` is set. Exits with 2.

    Raises CatalogueError.
    """
    if needed in os.environ:
        return
    from hub.embedded.environment import running_environment

    variables = running_environment(place())
    if variables is None:
        leave(
            ExitCode.USAGE,
            f"hub: {needed} is not set, and no embedded stack runs in {place().folder} (start one: hub up)",
        )
    os.environ.update(variables)


@contextmanager
def database() -> Iterator["Connection"]:
    """Open a database connection for reading."""
    adopt()
    from hub.configuration import read_settings
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
    """Build and open the hub, for commands that write."""
    adopt()
    from hub import app, logging

    logging.configure("WARNING")  # to stderr, since stdout is for data; the command reports success itself
    with app.build() as hub:
        yield hub
