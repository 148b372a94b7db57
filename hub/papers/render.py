"""A form as PDF/A-3b (ISO 19005-3), by typst: the same values give the same bytes, with no network and no other fonts.

Loads a compiler of 80 MB: imported by the command that prints, never by a worker.
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
"""whether it lies across → how high it is, in points"""
_LENGTH: Final = re.compile(r"([0-9.]+)pt")


@dataclass(frozen=True, slots=True)
class SignaturePlace:
    """Where a signature is drawn: the page (from 0) and the upper left corner of its box, in points from below."""

    page: int
    x: float
    y: float


def render(form: Form) -> bytes:
    """``form`` as PDF/A-3b, with its attachments inside."""
    with as_file(files("hub.papers")) as folder:
        made = _compiler(form, folder).compile(format="pdf", pdf_standards="a-3b", timestamp=int(form.at.timestamp()))
    return b"".join(_pages(made))


def picture(form: Form, dots_per_inch: float = 110) -> list[bytes]:
    """``form`` as one PNG a page, to look at."""
    with as_file(files("hub.papers")) as folder:
        made = _compiler(form, folder).compile(format="png", ppi=dots_per_inch)
    return _pages(made)


def signature_places(form: Form) -> Mapping[Literal["person", "seal"], SignaturePlace]:
    """Where the form leaves room for the signatures of the person and of the organisation; empty if it leaves none."""
    with as_file(files("hub.papers")) as folder:
        compiler = _compiler(form, folder)
        found: dict[Literal["person", "seal"], SignaturePlace] = {}
        for who in ("person", "seal"):
            for value in json.loads(compiler.query(f"<{who}>", field="value")):
                across, down = (float(_LENGTH.fullmatch(value[axis])[1]) for axis in ("x", "y"))  # type: ignore[index]
                found[who] = SignaturePlace(value["page"] - 1, across, _A4[layout.is_across(form)] - down)
    return found


def drawn_signature(name: str, at: datetime, ink: str) -> bytes:
    """A signature's picture, as a PDF of one small page of the size that the forms leave room for."""
    told = json.dumps({"name": name, "at": layout.signing_time(at), "ink": ink}, ensure_ascii=False)
    with as_file(files("hub.papers")) as folder:
        made = _typst(folder, "signature.typ", {"signature": told}).compile(
            format="pdf", pdf_standards="a-3b", timestamp=int(at.timestamp())
        )
    return b"".join(_pages(made))


def _pages(made: bytes | list[bytes] | None) -> list[bytes]:
    """typst returns a file, or one a page where there are several."""
    return [made] if isinstance(made, bytes) else made or []


def _compiler(form: Form, folder: Path) -> typst.Compiler:
    told = json.dumps(layout.content(form), ensure_ascii=False)
    return _typst(folder, layout.template(form), {"form": told})


def _typst(folder: Path, template: str, inputs: dict[str, str]) -> typst.Compiler:
    """A compiler that sees this package only: its templates, its fonts, and no place that packages could come from."""
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
