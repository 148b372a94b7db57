"""The message catalogue: in step with the code, complete, and the only place of Vietnamese sentences."""

import ast
import re
import string
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from hub.locale import FILES, catalogue, translated, vi

ROOT: Final = Path(__file__).parents[2]
VIETNAMESE: Final = re.compile(r"[àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵ]", re.IGNORECASE)
ALLOWED: Final = {
    "hub/cli/main.py": "help texts, which name the official terms",
    "hub/cli/demo/trials.py": "invented submissions",
    "hub/http/answers.py": "schema descriptions published to partners",
    "hub/fees/ledger/normalise.py": "a table of letters",
    "hub/fees/proof/": "SQL texts that put the finding together from columns",
    "hub/fees/replay/duckdb_": "SQL texts that put the finding together from columns",
    "hub/fees/resolutions/table.py": "the generated page for accountants",
    "hub/fees/settlements/own_list.py": "headings and totals of a department's own list",
    "hub/http/app.py": "the product's name",
    "hub/http/openapi.py": "the published description",
    "hub/papers/": "templates of the printed forms",
    "hub/reference.py": "generated pages for both readers",
    "hub/http/publish.py": "the page for integrators, in both languages",
}
"""file or folder → why its Vietnamese is not a message"""


@cache
def committed() -> Any:
    return catalogue.committed()


def literals(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every string constant that is neither a docstring nor the help of an option."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    passed = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    passed |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "help"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed:
            yield node.lineno, node.value


def test_a_vietnamese_sentence_stands_in_the_catalogue_only() -> None:
    offenders = [
        f"{path.relative_to(ROOT)}:{line} {text!r}"
        for path in sorted((ROOT / "hub").rglob("*.py"))
        if not str(path.relative_to(ROOT)).startswith(tuple(ALLOWED))
        for line, text in literals(path)
        if VIETNAMESE.search(text)
    ]
    assert offenders == []


@pytest.mark.parametrize("place", ALLOWED)
def test_every_exception_to_it_is_needed(place: str) -> None:
    paths = [path for path in (ROOT / "hub").rglob("*.py") if str(path.relative_to(ROOT)).startswith(place)]
    assert any(VIETNAMESE.search(text) for path in paths for _, text in literals(path))


def test_the_catalogue_is_in_step_with_the_code() -> None:
    messages = catalogue.extracted()
    assert {str(one.id) for one in committed() if one.id} == messages, "make messages"
    fresh = catalogue.synchronised(committed(), messages)
    assert (FILES / "hub.po").read_bytes() == catalogue.po_bytes(fresh), "make messages"
    assert (FILES / "hub.mo").read_bytes() == catalogue.mo_bytes(fresh), "make messages"


def test_every_message_is_translated() -> None:
    for one in committed():
        assert not one.fuzzy, one.id
        assert one.string, one.id
        assert unicodedata.is_normalized("NFC", str(one.string)), one.id
    assert not committed().obsolete


def test_a_translation_has_the_placeholders_of_its_msgid() -> None:
    for one in committed():
        if one.id:
            assert _placeholders(str(one.string)) == _placeholders(str(one.id)), one.id


def test_a_text_is_shown_in_the_language_asked_for() -> None:
    assert vi("Not found") == translated("Not found") == "Không tìm thấy"
    assert translated("Not found", "en") == "Not found"


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
