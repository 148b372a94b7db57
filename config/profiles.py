"""How banks' files read, by name: the profiles that ship with the hub, and those of the catalogue's banks."""

import tomllib
from pathlib import Path
from typing import Any, Final

from config.banks import Bank
from config.catalogue import CatalogueError, read, read_all
from config.settings import PACKAGED
from config.statements import Statements

SHIPPED: Final = PACKAGED / "profiles"


def known(catalogue: Path) -> dict[str, Statements]:
    """Profile by name: a shipped file's, or a bank's code. Raises CatalogueError."""
    shipped = {path.stem: read(path, Statements) for path in sorted(SHIPPED.glob("*.toml"))}
    folder = catalogue / "banks"
    banks = read_all(folder, Bank).values() if folder.is_dir() else []
    return shipped | {bank.code: bank.statements for bank in banks if _reads(bank.statements)}


def of_file(path: Path) -> Statements:
    """The profile in a file: a bank's TOML, a shipped profile's, or a table's keys alone. Raises CatalogueError."""
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueError(path, "", f"cannot be read: {error}") from None
    if "code" in document:
        return read(path, Bank).statements
    if "columns" in document:
        return read(path, Statements, under=("xlsx", "csv") if _may_be_text(document) else ("xlsx",))
    return read(path, Statements)


def _reads(statements: Statements) -> bool:
    return any((statements.camt, statements.mt940, statements.csv, statements.xlsx))


def _may_be_text(document: dict[str, Any]) -> bool:
    """A text needs a row that ends it (config.statements)."""
    return "closing" in document or "total" in document
