"""The words of the code: no picture stands for a plain term, and each class name means one thing.

A new engineer has to guess a name before he has read its docstring. Words that need our own dictionary are banned; for
what was there before the rule, each top folder has a budget that only shrinks.
"""

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

ROOT: Final = Path(__file__).parents[2]
CODE: Final = sorted(
    path
    for folder in ("connectors", "hub", "schemas", "config", "tests", "deploy")
    for path in (ROOT / folder).rglob("*.py")
    if path != Path(__file__)
)
PAGES: Final = sorted(path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")) if path.name != "CHANGELOG.md")

PICTURES: Final = {
    "house": "hub",
    "room": "domain package",
    "door": "endpoint",
    "desk": "commands",
    "errand": "drain, job",
    "lane": "ordering key",
    "fence": "claim version",
    "nudge": "wake-up",
    "verb": "command, handler",
    "journal": "audit log",
    "staircase": "layers",
    "tether": "child process",
    "registrar": "receipt job",
    "custodian": "seal job",
    "prover": "proof job",
}
"""pictures → the plain word; banned in names (also as a part of one), docstrings, comments and pages"""

BARE: Final = {"said", "found", "told", "made", "kept", "given", "wanted", "stands", "stood", "here", "there"}
"""participles and the like that name nothing when they are a whole name; use the noun: row, reply, report, receipt"""

MAYBE: Final = re.compile(rf"{'|'.join(PICTURES)}|(?<![a-z0-9])(?:{'|'.join(BARE)})(?![a-z0-9])", re.IGNORECASE)
"""a source without any of this need not be parsed, which takes long"""

OTHER_MEANING: Final = re.compile(
    r"journalctl|journald|systemd journal|house number|in-house|clearing house|HTTP verb|fenced code",
    re.IGNORECASE,
)
"""the same letters as a term of the trade"""

BUDGET: Final[dict[str, int]] = {"docs/reference": 1, "tests": 1}
"""top folder → how many are left from before the rule. It only falls; what is not here has none"""


class WordUse(NamedTuple):
    """A banned word and where it is."""

    path: str
    line: int
    word: str

    @property
    def folder(self) -> str:
        """The top folder; of the pages, ``docs/decisions`` and its like."""
        first, *rest = self.path.split("/")
        return f"{first}/{rest[0]}" if first == "docs" and len(rest) > 1 else first


def picture_in(word: str) -> bool:
    word = word.lower()
    return any(word in {picture, f"{picture}s"} for picture in PICTURES)


def words_of_name(name: str) -> list[str]:
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)


def names_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name that the module itself chooses, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.lineno, node.attr


def prose_of(source: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Docstrings (of attributes too) and comments."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str() as text)):
                yield node.lineno, text
    if not any(picture in source.lower() for picture in PICTURES):  # to find the comments takes longest
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def pictures_in(text: str) -> list[str]:
    return [word for word in re.findall(r"[A-Za-z]+", OTHER_MEANING.sub("", text)) if picture_in(word)]


def uses_in_code(path: Path) -> Iterator[WordUse]:
    place, source = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
    if not MAYBE.search(source):
        return
    tree = ast.parse(source)
    for line, name in names_of(tree):
        yield from (WordUse(place, line, name) for word in words_of_name(name) if picture_in(word))
        if name.strip("_") in BARE:
            yield WordUse(place, line, name)
    for line, text in prose_of(source, tree):
        yield from (WordUse(place, line, word) for word in pictures_in(text))


def uses_in_page(path: Path) -> Iterator[WordUse]:
    place = path.relative_to(ROOT).as_posix()
    for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        yield from (WordUse(place, line, word) for word in pictures_in(text))


def uses_by_folder() -> dict[str, list[WordUse]]:
    by_folder: dict[str, list[WordUse]] = defaultdict(list)
    for path in CODE:
        for use in uses_in_code(path):
            by_folder[use.folder].append(use)
    for path in PAGES:
        for use in uses_in_page(path):
            by_folder[use.folder].append(use)
    return by_folder


def test_no_folder_has_more_pictures_than_its_budget() -> None:
    over = [
        f"{folder}: {len(uses)} of {BUDGET.get(folder, 0)}, in\n"
        + "\n".join(f"  {use.path}:{use.line} {use.word}" for use in uses)
        for folder, uses in sorted(uses_by_folder().items())
        if len(uses) > BUDGET.get(folder, 0)
    ]
    assert over == [], "say it in plain words (PICTURES has them):\n" + "\n".join(over)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def open_door() -> None: ...", ["open_door"]),
        ("class NudgeSender: ...", ["NudgeSender"]),
        ("found = 1", ["found"]),
        ("not_found = 1", []),
        ("bathroom = indoor = 1", []),
        ("x = 1  # the lane of the dossier", ["lane"]),
        ('"""What the doors take."""', ["doors"]),
        ("x = 1  # see journalctl", []),
        ("x = 'the desk'", []),
    ],
)
def test_a_banned_word_is_seen_in_names_and_prose_only(source: str, words: list[str], tmp_path: Path) -> None:
    tree = ast.parse(source)
    in_names = [
        name for _, name in names_of(tree) if name in BARE or any(picture_in(word) for word in words_of_name(name))
    ]
    in_prose = [word for _, text in prose_of(source, tree) for word in pictures_in(text)]
    assert in_names + in_prose == words


def classes_of(path: Path) -> Iterator[str]:
    """The classes of a module; a private class inside a function or a class is that one's own affair."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and (id(node) in top or not node.name.startswith("_")):
            yield node.name


def test_a_class_name_stands_for_one_thing_in_the_whole_tree() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in CODE:
        for name in classes_of(path):
            places[name].append(path.relative_to(ROOT).as_posix())
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}
