"""Logs: one JSON object a line on stderr, facts and ids, never a citizen's data.

``log.info("outbox_delivered", transfer=…)``: an event name per fact, ids beside it. What is bound at an endpoint or in
a task (structlog.contextvars) is in every line below it. Lines of libraries pass the same scrubbing.
"""

import atexit
import json
import logging
import re
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

LONGEST: Final = 500
"""characters of one value; a log is no place for documents"""
SCRUBBED: Final = "[scrubbed]"
PERSONAL: Final = frozenset(
    [
        "address",
        "applicant",
        "body",
        "commune",
        "content",
        "detail",
        "email",
        "full_name",
        "headers",
        "identity",
        "name",
        "note",
        "number",
        "password",
        "phone",
        "province",
        "query",
        "reason_text",
        "reference",
        "secret",
        "summary",
        "text",
        "token",
        "url",
    ]
)
"""Names under which personal data or a secret travels in our messages; under these nothing is ever written."""
_PATTERNS: Final = (
    re.compile(r"(?<![0-9A-Za-z_.-])(?:\+84|0)\d{9,10}(?![0-9A-Za-z_-])"),  # telephone
    re.compile(r"(?<![0-9A-Za-z_.-])\d{9,14}(?![0-9A-Za-z_-])"),  # CMND, CCCD, tax code, account
    re.compile(r"[^\s@<>\"']{1,64}@[^\s@<>\"']{1,190}\.[A-Za-z]{2,}"),  # e-mail
)
_SUSPECT: Final = re.compile(r"\d{9}|@")
"""in nearly no line; only where it matches are the patterns tried"""
GATHER: Final = 0.1
"""seconds that lines below a warning may wait to be written together; a crash may take them along"""
BOUND: Final = 100_000
"""lines that wait at most, where whoever reads the log does not; then the oldest go"""
_ROOT: Final = Path(__file__).parent.parent
_FRAMES: Final = 6


def configure(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send structlog's lines and those of the standard library to ``stream`` (stderr) as JSON."""
    target = LineWriter(stream or sys.stderr)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _failures,
        scrub,
    ]
    # ASCII only: a line break, a control or a bidirectional mark in a value cannot forge or hide a line.
    encode = json.JSONEncoder(ensure_ascii=True, default=repr).encode
    render = structlog.processors.JSONRenderer(lambda event, **_: encode(event))
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        logger_factory=lambda *_: target,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_library, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.basicConfig(handlers=[handler], level=_number(level), force=True)


class LineWriter:
    """Writes lines to ``target``, many at a time.

    A write gives up the interpreter's lock, and in a process with busy threads it takes long to get it back: a write
    per request cost a quarter of all requests. Warnings and worse are written at once, with all that waits before them.
    """

    def __init__(self, target: TextIO) -> None:
        self._target = target
        self._waiting: deque[str] = deque(maxlen=BOUND)
        self._news = threading.Event()
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()
        atexit.register(self.flush)

    def info(self, line: str) -> None:
        """The line, soon."""
        self._waiting.append(line + "\n")
        if not self._thread.is_alive():  # in a forked child
            self.flush()
        elif not self._news.is_set():
            self._news.set()

    def error(self, line: str) -> None:
        """The line, now."""
        self._waiting.append(line + "\n")
        self.flush()

    debug = msg = info
    warning = warn = exception = critical = fatal = failure = error

    def write(self, text: str) -> None:
        """For the standard library's handler, which flushes after each of its lines."""
        self._waiting.append(text)

    def flush(self) -> None:
        """Write everything that waits now."""
        with self._writing:
            lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
            with suppress(OSError, ValueError):  # a log that cannot be written turns nobody away
                self._target.write("".join(lines))
                self._target.flush()

    def _run(self) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            time.sleep(GATHER)
            self.flush()


def flush() -> None:
    """Write what waits; for whoever reads the log while the process runs."""
    lines = structlog.get_config()["logger_factory"]()
    if isinstance(lines, LineWriter):
        lines.flush()


def scrub(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Scrub personal data: values under a name of PERSONAL, and text that matches a pattern."""
    return {key: SCRUBBED if key in PERSONAL and value is not None else _clean(value) for key, value in event.items()}


def place_of(error: BaseException) -> list[str]:
    """Where ``error`` was raised, innermost last, without its text: that may quote what somebody sent."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _blotted(value) if len(value) > LONGEST or _SUSPECT.search(value) else value
    if isinstance(value, Mapping):
        return {key: SCRUBBED if key in PERSONAL else _clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(item) for item in value]
    return value


def _blotted(text: str) -> str:
    for pattern in _PATTERNS:
        text = pattern.sub(SCRUBBED, text)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _failures(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """An exception as its class and place. Its message is left out: psycopg's and pydantic's quote rows and values."""
    error = _raised(event.pop("exc_info", None))
    if error is not None:
        event["error"] = type(error).__name__
        event["place"] = place_of(error)
    return event


def _raised(exc_info: ExcInfo | BaseException | bool | None) -> BaseException | None:
    match exc_info:
        case BaseException():
            return exc_info
        case (_, BaseException() as error, _):
            return error
        case True:
            return sys.exc_info()[1]
        case _:
            return None


def _library(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A library's line: named by its logger, without its formatted traceback, whose text may quote data."""
    record = event.get("_record")
    if isinstance(record, logging.LogRecord):
        event["logger"] = record.name
        event["exc_info"] = record.exc_info
        record.exc_text = None
    return event


def _short(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(_ROOT)) if path.is_relative_to(_ROOT) else path.name


def _number(level: str) -> int:
    return logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
