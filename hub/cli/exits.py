"""Exit codes: what a script that calls ``hub`` may rely on."""

import sys
from enum import IntEnum
from typing import NoReturn

from typer import Exit


class ExitCode(IntEnum):
    """The exit codes of every command."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    """the command line, the environment or the catalogue is wrong"""
    FINDING = 3
    """it worked, and there is something that a person has to look at"""
    NOT_FOUND = 4
    """there is nothing with this name; of a bundle: evidence is missing, so it cannot be told"""
    REFUSED = 5
    """the state does not allow this"""
    UNREACHABLE = 6
    """the database, the broker or a counterparty cannot be reached"""
    INTERRUPTED = 130
    """Ctrl-C"""


def leave(code: ExitCode, sentence: str = "") -> NoReturn:
    """End the command, with a sentence on stderr."""
    if sentence:
        sys.stderr.write(sentence + "\n")
    raise Exit(int(code))


def code_of(error: Exception) -> ExitCode | None:
    """The exit code that an expected error stands for; None for one that nobody expected."""
    from psycopg import OperationalError
    from psycopg_pool import PoolTimeout

    from config.catalogue import CatalogueError
    from connectors.errors import ConnectorError, Unavailable
    from hub.embedded.process import CannotStart
    from hub.errors import HubError, NotConfigured, NotFound

    codes: dict[type[Exception], ExitCode] = {
        CatalogueError: ExitCode.USAGE,
        NotConfigured: ExitCode.USAGE,
        NotFound: ExitCode.NOT_FOUND,
        CannotStart: ExitCode.UNREACHABLE,
        HubError: ExitCode.REFUSED,
        Unavailable: ExitCode.UNREACHABLE,
        ConnectorError: ExitCode.FINDING,
        OperationalError: ExitCode.UNREACHABLE,
        PoolTimeout: ExitCode.UNREACHABLE,
    }
    return next((code for kind, code in codes.items() if isinstance(error, kind)), None)
