"""hub consignment print: the slip that goes inside the seal, and the list that the postman takes."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.cli.exits import ExitCode
from tests import debian
from tests.integration.consignments.conftest import Counter

Hub = Callable[..., tuple[int, str, str]]


@pytest.fixture
def text() -> Callable[[Path], str]:
    """What another reader of PDF reads."""
    if shutil.which("pdftotext") is None and (why := debian.install("poppler-utils")) is not None:
        pytest.skip(why)
    return lambda file: " ".join(subprocess.check_output(["pdftotext", "-layout", file, "-"]).decode().split())


def test_a_slip_says_who_sends_what_to_whom(
    counter: Counter, cli: Hub, text: Callable[[Path], str], tmp_path: Path
) -> None:
    consignment = counter.order()
    code, _, err = cli("consignment", "print", consignment, "-o", str(tmp_path / "slip.pdf"))
    assert code == ExitCode.OK, err
    read = text(tmp_path / "slip.pdf")
    assert "PHIẾU GỬI HỒ SƠ" in read
    assert "NGƯỜI NHẬN" in read
    assert "kết quả giải quyết" in read
    assert "J+" in read


def test_a_list_of_several_names_their_receivers_and_not_what_is_inside(
    counter: Counter, cli: Hub, text: Callable[[Path], str], tmp_path: Path
) -> None:
    both = [counter.order(), counter.order()]
    code, _, err = cli(
        "consignment", "print", *both, "--form", "bang-ke", "--bag", "TUI-1", "-o", str(tmp_path / "list.pdf")
    )
    assert code == ExitCode.OK, err
    read = text(tmp_path / "list.pdf")
    titles = [row["title"] for row in counter.hub.rows("SELECT title FROM consignment_item")]
    assert "Cộng: 2 bưu gửi" in read
    assert "TUI-1" in read
    assert titles
    assert not [title for title in titles if title in read]


def test_a_slip_is_of_one_and_what_is_not_there_is_exit_4(counter: Counter, cli: Hub, tmp_path: Path) -> None:
    both = [counter.order(), counter.order()]
    assert cli("consignment", "print", *both, "-o", str(tmp_path / "x.pdf"))[0] == ExitCode.USAGE
    assert (
        cli("consignment", "print", "cs_01JD8M7W4Q2V9X3Y5Z6A7B8C9D", "-o", str(tmp_path / "x.pdf"))[0]
        == ExitCode.NOT_FOUND
    )
