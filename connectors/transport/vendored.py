"""The contracts that we hold copies of: WSDL and XSD files in schemas/wire, by name. Nothing is ever fetched."""

from functools import cache
from pathlib import Path
from typing import Final

import schemas

WIRE: Final = Path(schemas.__path__[0]) / "wire"
SUFFIXES: Final = frozenset({".wsdl", ".xsd"})


class NotVendored(LookupError):
    """Somebody, perhaps a contract itself, asks for a document that is not in schemas/wire."""


@cache
def names() -> frozenset[str]:
    """Every document that may be loaded, as "department.wsdl" or "folder/types.xsd"; this list is the allow-list."""
    return frozenset(path.relative_to(WIRE).as_posix() for path in WIRE.rglob("*") if path.suffix in SUFFIXES)


@cache
def document(name: str) -> bytes:
    """The bytes of one contract. Raises NotVendored for any name that is not exactly one of ``names()``."""
    if name not in names():
        raise NotVendored(f"{name!r} is not in schemas/wire")
    return (WIRE / name).read_bytes()
