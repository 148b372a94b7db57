"""Render a form as PDF/A-3b (ISO 19005-3) with typst; equal values give equal bytes. No network, no system fonts.

The typst compiler takes 80 MB: imported by the command that prints, never by a worker.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final, Literal

import typst

from hub.papers import layout
from hub.papers.forms import Form

_A4: Final = {False: 841.89, True: 595.28}
"""landscape? → height of the page, in points"""
_LENGTH: Final = re.compile(r"([0-9.]+)pt")


@dataclass(frozen=True, slots=True)
class SignaturePlace:
    """Position of a drawn signature: page (from 0) and upper left corner, in points from the page's bottom left."""

    page: int
    x: float
    y: float


def render(form: Form) -> bytes:
    """Render ``form`` as PDF/A-3b with its attachments embedded."""
    with as_file(files("hub.papers")) as folder:
        pages = _compiler(form, folder).compile(format="pdf", pdf_standards="a-3b", timestamp=int(form.at.timestamp()))
    return b"".join(_as_list(pages))


def picture(form: Form, dots_per_inch: float = 110) -> list[bytes]:
    """Render ``form`` as one PNG per page."""
    with as_file(files("hub.papers")) as folder:
        pages = _compiler(form, folder).compile(format="png", ppi=dots_per_inch)
    return _as_list(pages)


def signature_places(form: Form) -> Mapping[Literal["person", "seal"], SignaturePlace]:
    """Positions for the signatures of the person and of the organisation; empty if the form has none."""
    with as_file(files("hub.papers")) as folder:
        compiler = _compiler(form, folder)
        places: dict[Literal["person", "seal"], SignaturePlace] = {}
        for who in ("person", "seal"):
            for value in json.loads(compiler.query(f"<{who}>", field="value")):
                across, down = (float(_LENGTH.fullmatch(value[axis])[1]) for axis in ("x", "y"))  # type: ignore[index]
                places[who] = SignaturePlace(value["page"] - 1, across, _A4[layout.is_across(form)] - down)
    return places


def drawn_signature(name: str, at: datetime, ink: str) -> bytes:
    """Draw the appearance of a signature: a one-page PDF of the size of the forms' signature boxes."""
    appearance = json.dumps({"name": name, "at": layout.signing_time(at), "ink": ink}, ensure_ascii=False)
    with as_file(files("hub.papers")) as folder:
        pages = _typst(folder, "signature.typ", {"signature": appearance}).compile(
            format="pdf", pdf_standards="a-3b", timestamp=int(at.timestamp())
        )
    return b"".join(_as_list(pages))


def _as_list(pages: bytes | list[bytes] | None) -> list[bytes]:
    # typst returns bytes for one page, and a list for several.
    return [pages] if isinstance(pages, bytes) else pages or []


def _compiler(form: Form, folder: Path) -> typst.Compiler:
    values = json.dumps(layout.content(form), ensure_ascii=False)
    return _typst(folder, layout.template(form), {"form": values})


def _typst(folder: Path, template: str, inputs: dict[str, str]) -> typst.Compiler:
    """A compiler with the templates and fonts of this package only; typst packages are not downloaded."""
    templates = folder / "templates"
    return typst.Compiler(
        templates / template,
        root=templates,
        font_paths=typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder / "fonts"]),
        ignore_system_fonts=True,
        sys_inputs=inputs,
        package_path=templates / "packages",
        package_cache_path=templates / "packages",
    )
