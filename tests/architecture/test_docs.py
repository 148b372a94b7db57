"""About the pages: every link leads somewhere, every command, target, test and setting that they name is there."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from pydantic_settings import BaseSettings
from typer.core import TyperGroup
from typer.main import get_command

from config.settings import Settings
from connectors.errors import ConnectorCode as PartnerCode
from connectors.sandbox.runtime_settings import SandboxSettings
from hub.cli.flower import FlowerSettings
from hub.cli.main import app
from hub.codes import HubCode
from hub.signing.auditing import AuditCode
from hub.signing.verdicts import VerdictCode as JudgeCode

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = [path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")) if path.name != "cli.md"]
"""all but the command line's reference, which is made from the command line"""
TYPED: Final = {"sh", ""}
"""languages of blocks whose every line is typed; in a console block only what stands behind the prompt is"""
ENDS: Final = re.compile(r"[;|)(#…]|&&|\s…")

each_page: Final = pytest.mark.parametrize("page", sorted(PAGES), ids=lambda page: str(page.relative_to(ROOT)))


@cache
def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@cache
def prose_of(page: Path) -> str:
    return re.sub(r"^ *```.*?^ *```$", "", text_of(page), flags=re.DOTALL | re.MULTILINE)


@cache
def code_of(page: Path) -> list[str]:
    """What a reader may type: inline code, and the lines of blocks."""
    return list(_code_of(page))


def _code_of(page: Path) -> Iterator[str]:
    yield from re.findall(r"`([^`\n]+)`", prose_of(page))
    for language, block in re.findall(r"^ *```(\w*)\n(.*?)^ *```$", text_of(page), re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            if language in TYPED:
                yield line
            elif language == "console" and line.startswith("$ "):
                yield line.removeprefix("$ ")


def slugs(page: Path) -> set[str]:
    """The anchors of a page's headings, as code forges make them."""
    titles = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose_of(page)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        destination = page.parent / file if file else page
        assert destination.exists(), target
        assert not anchor or anchor in slugs(destination), target


@each_page
def test_every_target_of_make_is_one(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for code in code_of(page):
        for named in re.findall(r"^(?:\s*)make((?: [a-z]+)+)", code):
            assert set(named.split()) <= targets, code


def commands(code: str) -> Iterator[list[str]]:
    """The words behind each ``hub`` in a line of shell, where it stands as a command."""
    if "hub " not in code:  # the pattern takes long to find nothing
        return
    for match in re.finditer(r"(?:^|[;|(]|&&|\bdo)\s*(?:\w+=\S+ )*(?:\S*/bin/)?hub (?=[a-z])", code):
        rest = re.sub(r"\$\([^()]*\)", "made", code[match.end() :])
        yield shlex.split(ENDS.split(rest, maxsplit=1)[0])


@each_page
def test_every_command_of_the_hub_is_one_that_it_has(page: Path) -> None:
    for code in code_of(page):
        for words in commands(code):
            check_command(words)


tree_of: Final = cache(get_command)
"""Building the tree of all commands takes a tenth of a second, and the pages name hundreds."""


def check_command(words: list[str]) -> None:
    command = tree_of(app)
    for number, word in enumerate(words):
        if not isinstance(command, TyperGroup) or word.startswith("-"):
            options = {name for parameter in command.params for name in parameter.opts}
            options_used = {option.partition("=")[0] for option in words[number:] if option.startswith("--")}
            assert options_used <= options | {"--help"}, words
            return
        assert word in command.commands, words
        command = command.commands[word]


@each_page
def test_every_test_that_is_named_is_there(page: Path) -> None:
    for named in re.findall(r"`(tests/[\w/.*]+)(?:::(\w+))?`", prose_of(page)):
        files = list(ROOT.glob(named[0].rstrip("/")))
        assert files, named
        assert all(f"def {named[1]}(" in path.read_text(encoding="utf-8") for path in files if named[1]), named


@each_page
def test_every_setting_that_is_named_is_known(page: Path) -> None:
    models: tuple[type[BaseSettings], ...] = (Settings, FlowerSettings, SandboxSettings)
    known = {f"{model.model_config['env_prefix']}{name}".upper() for model in models for name in model.model_fields}
    named = set(re.findall(r"\bHUB_(?!SECRET_)[A-Z_]+\b", text_of(page)))
    assert named <= known | {"HUB_ACTOR", "HUB_VAR"} | set(HubCode)


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/runbooks/*.md")), ids=lambda page: page.name)
def test_a_runbook_says_when_to_use_it_and_how_one_knows_that_it_worked(page: Path) -> None:
    assert "**When to use:**" in text_of(page)
    assert re.search(r"^## How you know that it work(s|ed)$", text_of(page), re.MULTILINE)


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/runbooks/*.md")), ids=lambda page: page.name)
def test_every_error_code_in_a_runbook_is_one_of_ours(page: Path) -> None:
    codes = {str(code) for code in (*PartnerCode, *HubCode, *JudgeCode, *AuditCode)}
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", prose_of(page)))
    assert {name for name in named if not name.startswith(("HUB_", "KEY_"))} <= codes


def test_every_page_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    targets = {(index.parent / target).resolve() for target in re.findall(r"\]\(([^)#\s]+)", text_of(index))}
    assert {page for page in ROOT.glob("docs/**/*.md") if page != index} <= targets
