"""SQL lists the columns that it reads: an older worker meets the tables of a later release in every rolling upgrade."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

HUB: Final = Path(__file__).parents[2] / "hub"
STEPS: Final = HUB / "migrations" / "versions"
TABLES: Final = {
    name
    for step in STEPS.glob("*.sql")
    for name in re.findall(r"CREATE (?:OR REPLACE )?(?:TABLE|VIEW) (\w+)(?!\.)\b", step.read_text(encoding="utf-8"))
}
_COMMON: Final = re.compile(r"\b(\w+) AS (?:NOT )?(?:MATERIALIZED )?\(")
_STAR: Final = re.compile(r"(?:\bSELECT|\bDISTINCT|,)\s+(?:(\w+)\.)?\*(?=[\s,])")
_COPY: Final = re.compile(r"INSERT INTO [\w.{}]+ (?:OVERRIDING SYSTEM VALUE )?$")


def unlisted(query: str) -> list[str]:
    """The tables of ours all of whose columns the query takes, whatever they are.

    Copying the rows of a table into its twin (INSERT INTO … SELECT * FROM …) is meant to take them all.
    """
    ours = TABLES - set(_COMMON.findall(query))
    unlisted_sources = []
    for star in _STAR.finditer(query):
        alias, behind = star[1], query[star.end() :]
        named = rf"\b(?:FROM|JOIN)\s+(?:public\.)?(\w+)\s+(?:AS\s+)?{alias}\b"
        source = re.search(named if alias else r"\bFROM\s+(?:\(|(?:public\.)?(\w+))", behind)
        if source and source[1] in ours and not _COPY.search(query[: star.start()]):
            unlisted_sources.append(source[1])
    return unlisted_sources + ["RETURNING *"] * len(re.findall(r"RETURNING\s+\*", query))


def queries() -> Iterator[tuple[str, str]]:
    """(where it stands, text) of whatever looks like SQL in the hub; a gap in an f-string is {}."""
    for path in HUB.rglob("*.sql"):
        if path.parent != STEPS:
            yield str(path.relative_to(HUB)), path.read_text(encoding="utf-8")
    for path in HUB.rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        parts = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in nodes:
            text = "" if id(node) in parts else _text(node)
            if re.search(r"\b(SELECT|RETURNING)\b", text):
                yield f"{path.relative_to(HUB)}:{getattr(node, 'lineno', 0)}", text


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_every_column_that_is_read_is_named() -> None:
    assert [(where, table) for where, text in queries() for table in unlisted(text)] == []


@pytest.mark.parametrize(
    ("query", "tables"),
    [
        ("SELECT * FROM outbox WHERE id = %s", ["outbox"]),
        ("SELECT o.*, d.code FROM outbox o JOIN dossier d ON d.id = o.subject", ["outbox"]),
        ("UPDATE outbox SET state = 'x' RETURNING *", ["RETURNING *"]),
        ("WITH taken AS (SELECT id FROM outbox) SELECT *, 1 AS one FROM taken", []),
        ("SELECT count(*) FROM outbox", []),
        ("INSERT INTO pg_temp.outbox SELECT * FROM public.outbox", []),
    ],
)
def test_the_lint_itself(query: str, tables: list[str]) -> None:
    assert unlisted(query) == tables
