"""The table of commands, by which ``hub --help`` imports nothing, against the commands themselves."""

import subprocess
import sys

import pytest

from hub.cli.main import COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_line_of_a_command_is_the_first_paragraph_of_its_help(name: str) -> None:
    entry = COMMANDS[name]
    command = entry.load(name)
    first = " ".join(command.help.split("\n\n")[0].split())
    assert (command.name, first) == (name, entry.help)
    if entry.panel is not None:
        assert command.rich_help_panel == entry.panel


def test_help_imports_no_command() -> None:
    program = "import sys; from hub.cli.main import app\ntry: app(['--help'])\nfinally: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    loaded = {name for name in done.stdout.split() if name.startswith("hub.")}
    assert loaded == {"hub.cli", "hub.cli.exits", "hub.cli.extras", "hub.cli.main"}


def test_a_misspelt_command_is_answered_with_the_nearest_name() -> None:
    done = subprocess.run([sys.executable, "-m", "hub.cli", "tranfer"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "transfer" in done.stderr
