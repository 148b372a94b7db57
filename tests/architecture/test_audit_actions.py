"""The audit log's actions: what is written is a member of AuditAction, every member is written and has a label.

Python can only pass members (mypy); SQL texts that write or read audit_log are looked at here.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from hub.audit import AuditAction
from hub.locale import vi

ROOT = Path(__file__).parents[2]
DEFINITION = ROOT / "hub" / "audit.py"
READERS = ROOT / "hub" / "fees" / "replay"
MIGRATION = ROOT / "hub" / "migrations" / "versions" / "0001_baseline.sql"

_INSERT = re.compile(
    r"INSERT INTO (?:public\.)?audit_log \(subject, actor, action\b[^)]*\)\s*(?:SELECT|VALUES)(.*)", re.DOTALL
)
_COMPARED = re.compile(r"\baction\s*(?:=|<>|IN|NOT IN)\s*(\('[^)]*\)|'[^']*')")


def _modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / "hub").rglob("*.py")):
        if path != DEFINITION:
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def _texts(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "audit_log" in node.value:
            yield node.value


def _inserted(text: str) -> set[str]:
    """The literal actions of the statements in ``text`` that insert into audit_log (third of the inserted values)."""
    values = [part for match in _INSERT.finditer(text) for part in match[1].split(",")[2:3]]
    return {literal for value in values for literal in re.findall(r"'(\w+)'", value)}


def _written() -> set[str]:
    members = {
        AuditAction[node.attr].value
        for path, tree in _modules()
        if not path.is_relative_to(READERS)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "AuditAction"
    }
    in_sql = {action for _, tree in _modules() for text in _texts(tree) for action in _inserted(text)}
    # The triggers' own lines; the endpoint's function takes a member from Python.
    functions = MIGRATION.read_text(encoding="utf-8").split("CREATE FUNCTION")[1:]
    return members | in_sql | {action for text in functions for action in _inserted(text)}


def test_every_action_that_is_written_is_a_member_and_every_member_is_written() -> None:
    assert _written() == set(AuditAction)


def test_sql_compares_with_members() -> None:
    compared = {
        action
        for _, tree in _modules()
        for text in _texts(tree)
        for values in _COMPARED.findall(text)
        for action in re.findall(r"'([^']*)'", values)
    }
    assert compared
    assert compared <= set(AuditAction)


def test_every_action_has_a_label_of_its_own() -> None:
    assert [action for action in AuditAction if vi(action) == action] == []
    assert len({vi(action) for action in AuditAction}) == len(AuditAction)
