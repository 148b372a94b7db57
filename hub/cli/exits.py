"""Exit codes of the commands, on which scripts rely."""

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
    """it worked, and found something that needs a person"""
    NOT_FOUND = 4
    """no object has this name; of a bundle: evidence is missing, so the verdict is CANNOT TELL"""
    REFUSED = 5
    """the state does not allow this"""
    UNREACHABLE = 6
    """the database, the broker or a counterparty cannot be reached"""
    INTERRUPTED = 130
    """Ctrl-C"""


def leave(code: ExitCode, sentence: str = "") -> NoReturn:
    """Exit with ``code`` after a sentence on stderr."""
    if sentence:
        sys.stderr.write(sentence + "\n")
    raise Exit(int(code))


def code_of(error: Exception) -> ExitCode | None:
    """Return the exit code of an expected error; None for any other."""
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
