"""The log: one line a fact, whatever is in it, and no citizen in any of them."""

import io
import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from typing_extensions import override

from hub.logging import LineWriter, configure, flush

NAME = "Trần Thị Dấu Vết"


class Flushed(io.StringIO):
    """A log that is read when all has been written."""

    @override
    def getvalue(self) -> str:
        flush()
        return super().getvalue()


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level, former = root.handlers[:], root.level, structlog.get_config()
    stream = Flushed()
    configure("INFO", stream)
    yield stream
    structlog.configure(**former)
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    "text", ["a\nb", '{"event": "forged"}\n', "\x1b[31m", "\u2028", "\u202eabc", "\x00", "\x85", "x" * 10_000, NAME]
)
def test_a_value_cannot_break_out_of_its_line(stream: io.StringIO, text: str) -> None:
    structlog.get_logger().info("fact", value=text)

    assert stream.getvalue().isascii()
    assert stream.getvalue().count("\n") == 1
    (line,) = lines(stream)
    assert line["event"] == "fact"
    assert len(line["value"]) <= 501


@pytest.mark.parametrize("key", ["name", "phone", "email", "body", "note", "query", "secret", "address", "identity"])
def test_what_is_called_personal_is_never_written(stream: io.StringIO, key: str) -> None:
    structlog.get_logger().info("fact", **{key: "anything"}, nested={"deep": [{key: "anything"}]})

    assert "anything" not in stream.getvalue()


@pytest.mark.parametrize("text", ["012345678901", "0912345678", "+84912345678", "dau.vet@example.vn", "0123456789012"])
def test_what_looks_personal_is_blotted_out_wherever_it_stands(stream: io.StringIO, text: str) -> None:
    structlog.get_logger().info(f"about {text}", value=f"see {text}, please", many=[text])
    logging.getLogger("a.library").warning("cannot read %s", text)

    assert text not in stream.getvalue()
    assert len(lines(stream)) == 2


@pytest.mark.parametrize(
    "text",
    ["sub_01JD8M7W4Q2V9X3Y5Z6A7B8C9D", "000.00.16.H42-261124-0001", "0af7651916cd43dd8448eb211c80319c", "1.004227"],
)
def test_ids_stay_readable(stream: io.StringIO, text: str) -> None:
    structlog.get_logger().info("fact", value=text)

    assert lines(stream)[0]["value"] == text


def test_an_exception_is_its_class_and_its_place_and_never_its_text(stream: io.StringIO) -> None:
    def fails() -> None:
        raise ValueError(f"the applicant {NAME} has no number")

    for log in (structlog.get_logger(), logging.getLogger("a.library")):
        try:
            fails()
        except ValueError:
            log.exception("failed")

    assert "applicant" not in stream.getvalue()
    for line in lines(stream):
        assert (line["event"], line["level"], line["error"]) == ("failed", "error", "ValueError")
        assert line["place"][-1].endswith(" fails")


def test_what_is_bound_stands_on_every_line_of_ours_and_of_libraries(stream: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger().info("fact")
        logging.getLogger("a.library").info("a line of its own")

    assert [line["request_id"] for line in lines(stream)] == ["r-1", "r-1"]
    assert lines(stream)[1]["logger"] == "a.library"


def test_what_is_below_the_level_is_not_written(stream: io.StringIO) -> None:
    structlog.get_logger().debug("detail")
    logging.getLogger("a.library").debug("detail")

    assert stream.getvalue() == ""


def test_a_line_is_written_soon_and_a_warning_at_once_with_what_came_before() -> None:
    target = io.StringIO()
    lines = LineWriter(target)

    lines.info("first")
    at_first = target.getvalue()
    lines.warning("second")
    after_warning = target.getvalue()
    lines.info("third")
    until = time.monotonic() + 120
    while "third" not in target.getvalue():
        assert time.monotonic() < until
        time.sleep(0.01)

    assert (at_first, after_warning) == ("", "first\nsecond\n")
