"""`python -m hub.locale.catalogue`: bring hub.po in step with the code and compile hub.mo (needs Babel)."""

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
"""in the header of hub.mo, so that the same messages are the same bytes"""


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
    """Every msgid in the code."""
    paths = (path for folder in SOURCES for path in (ROOT / folder).rglob("*.py"))
    return {text for path in paths for text in msgids(ast.parse(path.read_text(encoding="utf-8")))}


def committed() -> Catalog:
    """hub.po as it is."""
    return read_po(io.BytesIO((FILES / "hub.po").read_bytes()), locale="vi", domain="hub")


def _empty() -> Catalog:
    return Catalog(
        locale="vi", domain="hub", header_comment=HEADER, fuzzy=False, creation_date=DATED, revision_date=DATED
    )


def in_step(catalogue: Catalog, wanted: set[str]) -> Catalog:
    """``catalogue`` with the msgids of the code: new ones untranslated, unused ones left out."""
    fresh = _empty()
    for msgid in sorted(wanted):
        known = catalogue.get(msgid)
        fresh.add(msgid, known.string if known else "", flags=("python-brace-format",) if "{" in msgid else ())
    return fresh


def po_bytes(catalogue: Catalog) -> bytes:
    """hub.po; without dates and places in the code, which would change with every commit."""
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
    """hub.mo; the same bytes for the same messages."""
    bare = _empty()
    for one in catalogue:
        if one.id:
            bare.add(one.id, one.string)
    buffer = io.BytesIO()
    write_mo(buffer, bare)
    return buffer.getvalue()


def main() -> None:
    catalogue = in_step(committed(), extracted())
    (FILES / "hub.po").write_bytes(po_bytes(catalogue))
    (FILES / "hub.mo").write_bytes(mo_bytes(catalogue))
    missing = [str(one.id) for one in catalogue if one.id and not one.string]
    sys.stdout.write("".join(f"no translation: {msgid}\n" for msgid in missing))
    sys.stdout.write(f"{len(catalogue)} messages\n")


if __name__ == "__main__":
    main()
