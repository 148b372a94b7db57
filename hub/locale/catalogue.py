"""`python -m hub.locale.catalogue`: synchronise hub.po with the msgids in the code and compile hub.mo (needs Babel)."""

import ast
import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from hub.locale import FILES

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = ("connectors", "hub")
MARKERS: Final = {"msgid", "translated", "vi"}
HEADER: Final = "# Vietnamese messages of the hub. `make messages` keeps the msgids in step with the code.\n#"
DATED: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""constant date in the header of hub.mo, so that equal messages give equal bytes"""


def msgids(tree: ast.AST) -> Iterator[str]:
    """The literal first arguments of ``msgid``, ``translated`` and ``vi``, and the meanings of explained codes."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(text)), *_]) if name in MARKERS:
                yield text
            case ast.ClassDef(bases=[ast.Name(id="Explained")]):
                for statement in node.body:
                    match statement:
                        case ast.Assign(value=ast.Tuple(elts=[_, ast.Constant(value=str(text))])):
                            yield text


def extracted() -> set[str]:
    """All msgids in the code."""
    paths = (path for folder in SOURCES for path in (ROOT / folder).rglob("*.py"))
    return {text for path in paths for text in msgids(ast.parse(path.read_text(encoding="utf-8")))}


def committed() -> Catalog:
    """The committed hub.po."""
    return read_po(io.BytesIO((FILES / "hub.po").read_bytes()), locale="vi", domain="hub")


def _empty() -> Catalog:
    return Catalog(
        locale="vi", domain="hub", header_comment=HEADER, fuzzy=False, creation_date=DATED, revision_date=DATED
    )


def synchronised(catalogue: Catalog, texts: set[str]) -> Catalog:
    """``catalogue`` with exactly ``texts`` as msgids: new ones untranslated, unused ones removed."""
    fresh = _empty()
    for msgid in sorted(texts):
        known = catalogue.get(msgid)
        fresh.add(msgid, known.string if known else "", flags=("python-brace-format",) if "{" in msgid else ())
    return fresh


def po_bytes(catalogue: Catalog) -> bytes:
    """Write hub.po without dates and source positions, which would change with every commit."""
    buffer = io.BytesIO()
    write_po(buffer, catalogue, width=120, no_location=True, ignore_obsolete=True)
    dated = (
        "POT-Creation-Date",
        "PO-Revision-Date",
        "Generated-By",
        "Last-Translator",
        "Language-Team",
        "Report-Msgid",
    )
    lines = buffer.getvalue().decode().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(tuple(f'"{name}' for name in dated))).encode()


def mo_bytes(catalogue: Catalog) -> bytes:
    """Compile hub.mo; equal messages give equal bytes."""
    bare = _empty()
    for one in catalogue:
        if one.id:
            bare.add(one.id, one.string)
    buffer = io.BytesIO()
    write_mo(buffer, bare)
    return buffer.getvalue()


def main() -> None:
    catalogue = synchronised(committed(), extracted())
    (FILES / "hub.po").write_bytes(po_bytes(catalogue))
    (FILES / "hub.mo").write_bytes(mo_bytes(catalogue))
    missing = [str(one.id) for one in catalogue if one.id and not one.string]
    sys.stdout.write("".join(f"no translation: {msgid}\n" for msgid in missing))
    sys.stdout.write(f"{len(catalogue)} messages\n")


if __name__ == "__main__":
    main()
