"""Conventions: events are routed, functions fit a screen, generated pages are fresh, decisions are listed."""

import ast
import itertools
import re
from pathlib import Path

import pytest

from deploy import rights
from hub import events, flow, reference

ROOT = Path(__file__).parents[2]
CODE = sorted(
    path
    for folder in ("connectors", "hub", "schemas", "config", "tests", "deploy")
    for path in (ROOT / folder).rglob("*.py")
)


def test_every_event_is_routed() -> None:
    kinds = {kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, events.Event)}
    base_kinds = {base for kind in kinds for base in kind.__bases__}
    assert kinds - base_kinds - {events.Event} == set(flow.SUBSCRIBERS)


def test_the_flow_tables_hold_no_decisions() -> None:
    tree = ast.parse((ROOT / "hub" / "flow.py").read_text(encoding="utf-8"))
    decisions = (ast.If, ast.IfExp, ast.Lambda, ast.For, ast.While)
    assert [node.lineno for node in ast.walk(tree) if isinstance(node, decisions)] == []


def test_a_unit_of_work_is_rolled_back_in_part_by_its_own_savepoint_only() -> None:
    """Another one would not forget what was put off inside it, and that would be written after all."""
    savepoint = re.compile(r"uow\.(conn|unflushed)\.transaction\(")
    files = [path for path in CODE if path != Path(__file__) and savepoint.search(path.read_text(encoding="utf-8"))]
    assert files == []


@pytest.mark.parametrize("page", sorted(reference.pages()))
def test_every_generated_page_of_the_reference_is_fresh(page: str) -> None:
    assert (reference.FOLDER / page).read_text(encoding="utf-8") == reference.pages()[page], "run: make docs"


def test_the_page_of_rights_follows_from_grants_routes_and_commands() -> None:
    page = ROOT / "docs" / "reference" / "rights.md"
    assert page.read_text(encoding="utf-8") == rights.page(), "run: make docs"


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in CODE
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= 50
    ]
    assert long == []


@pytest.mark.parametrize("lock", ["run.lock", "dev.lock"])
def test_the_locks_name_versions_and_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / "deploy" / "locks" / lock).read_text(encoding="utf-8")
    assert "--hash=sha256:" in text
    assert "://" not in text


def test_the_migrations_are_one_chain_in_the_order_of_their_names() -> None:
    steps = sorted((ROOT / "hub" / "migrations" / "versions").glob("[0-9]*.py"))
    chain = [re.findall(r'revision = "(\d+)"', step.read_text(encoding="utf-8")) for step in steps]
    assert chain[0] == [steps[0].name[:4]]
    assert chain[1:] == [[after.name[:4], before.name[:4]] for before, after in itertools.pairwise(steps)]


def test_every_decision_is_one_listed_page_and_names_what_enforces_it() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    listed = re.findall(
        r"^(\d+)\. \[.+\]\(decisions/(.+)\)$", (ROOT / "docs" / "README.md").read_text("utf-8"), re.MULTILINE
    )
    assert [(int(decision.name[:4]), decision.name) for decision in decisions] == [(int(n), name) for n, name in listed]
    for decision in decisions:
        text = decision.read_text(encoding="utf-8")
        for heading in ("## Context", "## Decision", "## Consequences", "## Alternatives", "## Enforced by"):
            assert heading in text, f"{decision.name}: {heading}"
