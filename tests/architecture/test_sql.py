"""SQL lists the columns that it reads: an older worker meets the tables of a later release in every rolling upgrade."""

import ast
import re
from collections import Counter
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
_QUERY: Final = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|WHERE|FROM|SET)\b")
_CONSTANT: Final = re.compile(r"([a-z_]+\.)?_?[A-Z][A-Z_0-9]*")
GAPS: Final = {
    # Chosen by our code among texts of ours:
    "table": 6,
    "column": 4,
    "where": 3,
    "condition": 1,
    "ending": 1,
    "query": 1,
    "which": 1,
    "when": 1,
    "values": 1,
    # Names of columns, each with a parameter as its value:
    "assignments": 2,
    "sets": 1,
    "', '.join(_ITEM)": 1,
}
"""name that is put into the text of queries → how often; a new one is looked at before it stands here"""
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


def gaps() -> Iterator[tuple[str, str]]:
    """(where it stands, expression) of whatever is put into the text of a query and is no constant of a module."""
    for path in HUB.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr) and _QUERY.search(_text(node)):
                for part in node.values:
                    put = ast.unparse(part.value) if isinstance(part, ast.FormattedValue) else "A"
                    if not _CONSTANT.fullmatch(put):
                        yield f"{path.relative_to(HUB)}:{node.lineno}", put


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_every_column_that_is_read_is_named() -> None:
    assert [(where, table) for where, text in queries() for table in unlisted(text)] == []


def test_what_is_put_into_a_query_is_a_constant_or_was_looked_at() -> None:
    """mypy takes a LiteralString for any str, so nobody else sees it. Values are parameters, without exception."""
    put_in = list(gaps())
    more = {name for name, count in Counter(name for _, name in put_in).items() if count > GAPS.get(name, 0)}
    assert [(where, name) for where, name in put_in if name in more] == []


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
