"""Whose account it is, as the operating system knows it."""

import os
import pwd

import pytest
from typer import Exit

from hub.cli import writing
from hub.cli.exits import ExitCode

OWN = pwd.getpwuid(os.getuid()).pw_name
ROOT = 0
OTHER = next(one for one in pwd.getpwall() if one.pw_uid not in (ROOT, os.getuid()))


def test_it_is_the_processs_own_whatever_the_environment_calls_it() -> None:
    named = {"USER": OTHER.pw_name, "LOGNAME": OTHER.pw_name, "HUB_ACTOR": OTHER.pw_name}
    assert writing.account(named, os.getuid(), None) == OWN


@pytest.mark.parametrize("login", [None, OTHER.pw_uid])
def test_where_sudo_was_used_it_is_of_whoever_used_it(login: int | None) -> None:
    assert writing.account({"SUDO_USER": OTHER.pw_name}, ROOT, login) == OTHER.pw_name


@pytest.mark.parametrize(("sudo_user", "login"), [("no-such-account", None), (OTHER.pw_name, ROOT)])
def test_what_the_kernel_does_not_bear_out_is_refused(
    sudo_user: str, login: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Exit) as left:
        writing.account({"SUDO_USER": sudo_user}, ROOT, login)
    assert left.value.exit_code == ExitCode.USAGE
    assert capsys.readouterr().err.count("\n") == 1
