"""deploy/Dockerfile: what can be said of it without an engine to build it."""

import re
from fnmatch import fnmatch
from typing import Final

import pytest

from tests.deploy.installed import DEPLOY

ROOT: Final = DEPLOY.parent
STAGES: Final = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ").split("\nFROM ")


def test_the_process_is_an_ordinary_user() -> None:
    assert re.findall(r"^USER (\S+)$", STAGES[-1], re.MULTILINE) == ["10001:10001"]


def test_nothing_is_installed_but_what_the_lock_has_by_its_hash() -> None:
    installs = re.findall(r"^RUN pip install (.*)$", "\n".join(STAGES), re.MULTILINE)
    assert [("--require-hashes" in line, "--no-deps" in line) for line in installs] == [(True, False), (False, True)]
    requirements = re.split(r"\n(?=\S)", (DEPLOY / "locks/run.lock").read_text())
    named = [requirement for requirement in requirements if "==" in requirement.splitlines()[0]]
    assert named
    assert all("--hash=sha256:" in requirement for requirement in named)


@pytest.mark.parametrize("path", ["Dockerfile", "compose.yaml", "locks/run.lock", "locks/dev.lock"])
def test_no_registrys_host_is_named(path: str) -> None:
    text = (DEPLOY / path).read_text()
    assert not re.findall(r"https?://(?!127\.0\.0\.1)\S+", text)
    for image in re.findall(r"^\s*(?:FROM|image:) (\S+)", text, re.MULTILINE):
        assert "." not in image.split("/")[0].split(":")[0], image


def test_what_is_copied_is_there_and_reaches_the_builder() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    let_in = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", "\n".join(STAGES), re.MULTILINE)
    for source in (word for line in copied for word in line.split()):
        assert (ROOT / source).exists(), source
        assert any(fnmatch(source, pattern) for pattern in let_in), source
