"""The status reports of a department: its feed, and their push to the hub as signed JSON or signed SOAP.

A report is written down before it is told, and pushed until it is taken; so are table answers. While the hub is away,
one message at a time asks whether it is back.
"""

import asyncio
import base64
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import requests
from pydantic import Field, TypeAdapter

from config.catalogue import Catalogue, Department, HmacGuard, SoapGuard
from connectors.clock import now
from connectors.sandbox.dossier_register import normalised
from connectors.sandbox.effects import DurableLines
from connectors.sandbox.runtime_settings import RuntimeControl
from connectors.sandbox.soap_messages import signing_key
from connectors.transport import signatures, wsse
from connectors.transport.contract import contract
from connectors.transport.envelope import CONTENT_TYPE, to_bytes
from connectors.transport.wsse import WsseKey
from schemas.department import Changes, StatusReport
from schemas.settlement import TableAnswer
from schemas.strict import Strict

PAGE: Final = 100
"""reports in one page of the feed"""


class _StatusMoveTold(Strict):
    """A move of a dossier and the reports that were made on its occasion."""

    line: Literal["told"] = "told"
    move: int
    dossier_code: str
    reports: list[StatusReport]


class _Pushed(Strict):
    line: Literal["pushed"] = "pushed"
    position: int


_LINE: Final[TypeAdapter[_StatusMoveTold | _Pushed]] = TypeAdapter(
    Annotated[_StatusMoveTold | _Pushed, Field(discriminator="line")]
)


@dataclass(frozen=True, slots=True)
class FeedReport:
    """A report and its place in the feed."""

    position: int
    report: StatusReport


class UnknownCursorError(ValueError):
    """The cursor is none that this department has given out."""


class ReportBook:
    """Every report in the order in which it was made, and which of them the hub has taken.

    ``pushes``: whether reports are pushed; a department that is asked for its feed has none left to push.
    """

    def __init__(self, path: Path, *, pushes: bool) -> None:
        self._lines = DurableLines(path)
        self._pushes = pushes
        self._feed: list[StatusReport] = []
        self._unpushed: dict[str, list[FeedReport]] = {}
        self._moves: dict[str, int] = {}
        for text in self._lines.loaded:
            line = _LINE.validate_json(text)
            if isinstance(line, _StatusMoveTold):
                self._enter(line)
            else:
                self._strike(line.position)

    def moves_told(self, dossier_code: str) -> int:
        """How many moves of this dossier are done: up to the last that was told of."""
        return self._moves.get(normalised(dossier_code), 0)

    def unpushed(self, dossier_code: str) -> list[FeedReport]:
        """The reports of this dossier that the hub has not taken yet, in their order."""
        return list(self._unpushed.get(normalised(dossier_code), []))

    async def tell(self, dossier_code: str, move: int, reports: Sequence[StatusReport]) -> None:
        """Enter the reports of one move, all or none. Returns when they are on the disk."""
        line = _StatusMoveTold(move=move, dossier_code=dossier_code, reports=list(reports))
        await self._lines.append(line.model_dump_json())
        self._enter(line)

    async def pushed(self, position: int) -> None:
        """The hub has taken the report at ``position``."""
        await self._lines.append(_Pushed(position=position).model_dump_json())
        self._strike(position)

    def page(self, cursor: str) -> Changes:
        """The reports after ``cursor`` ("" for the first time), at most 100. Raises UnknownCursorError."""
        if cursor and not (cursor.isascii() and cursor.isdigit()):
            raise UnknownCursorError(cursor)
        start = int(cursor or 0)
        if start > len(self._feed):
            raise UnknownCursorError(cursor)
        reports = self._feed[start : start + PAGE]
        return Changes(reports=reports, cursor=str(start + len(reports)))

    def close(self) -> None:
        self._lines.close()

    def _enter(self, line: _StatusMoveTold) -> None:
        dossier = normalised(line.dossier_code)
        self._moves[dossier] = line.move + 1
        for report in line.reports:
            if self._pushes:
                self._unpushed.setdefault(dossier, []).append(FeedReport(len(self._feed), report))
            self._feed.append(report)

    def _strike(self, position: int) -> None:
        dossier = normalised(self._feed[position].dossier_code)
        left = [entry for entry in self._unpushed.pop(dossier, []) if entry.position != position]
        if left:
            self._unpushed[dossier] = left


FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 2.0
"""seconds between attempts; doubled from the first to the longest"""
PUSHERS: Final = 4
"""threads that push for one department"""

log = logging.getLogger(__name__)


class PushError(Exception):
    """The hub did not answer a push with 2xx; it is tried again until it does.

    ``away``: nobody answered, or could not; another report would fare no better just now.
    """

    def __init__(self, what: str, *, away: bool) -> None:
        super().__init__(what)
        self.away = away


PushMessage = StatusReport | TableAnswer
Push = Callable[[PushMessage], None]
"""Says one of them to the hub and waits for its answer (blocking). Raises PushError."""


def number_of(message: PushMessage) -> str:
    """The department's own number of what it says."""
    return message.report_id if isinstance(message, StatusReport) else message.answer_id


class PushQueue:
    """One department's way to the hub. While the hub is away, one report after another asks whether it is back."""

    def __init__(self, push: Push, runtime: RuntimeControl, counterparty: str) -> None:
        self._push = push
        self._runtime = runtime
        self._counterparty = counterparty
        self._threads = ThreadPoolExecutor(PUSHERS, thread_name_prefix="sandbox-push")
        self._away = False
        self._asking = asyncio.Lock()
        self._pause = FIRST_PAUSE
        """before a hub that is away is asked again"""

    async def deliver(self, message: PushMessage) -> None:
        """Returns when the hub has taken it."""
        pause = FIRST_PAUSE
        while (error := await self._attempt(message)) is not None:
            if not error.away:
                log.warning("%s: the hub does not take %s: %s", self._counterparty, number_of(message), error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    def close(self) -> None:
        """Waits for the calls under way."""
        self._threads.shutdown()

    async def _attempt(self, message: PushMessage) -> PushError | None:
        await self._runtime.up()
        if not self._away:
            return await self._call(message)
        async with self._asking:
            if self._away:
                await asyncio.sleep(self._pause)
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
            return await self._call(message)

    async def _call(self, message: PushMessage) -> PushError | None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._push, message)
        except PushError as error:
            self._note(error)
            return error
        self._note(None)
        return None

    def _note(self, error: PushError | None) -> None:
        """Say once that the hub is away, and once that it is back."""
        away = error is not None and error.away
        if away != self._away:
            log.warning("%s: the hub is %s", self._counterparty, f"away: {error}" if away else "back")
        if not away:
            self._pause = FIRST_PAUSE
        self._away = away


TIMEOUT: Final = 10.0
"""seconds"""
_AWAY: Final = frozenset({429, 502, 503, 504})
HUB_WSDL: Final = "hub-department.wsdl"


def push_of(department: Department, catalogue: Catalogue, hub: str, environment: Mapping[str, str]) -> Push | None:
    """How ``department`` pushes, by its guard; None if it waits to be asked. Raises ValueError if it cannot."""
    if department.statuses == "poll":
        return None
    guard = department.guard
    if isinstance(guard, HmacGuard):
        keyid, secret = next(iter(guard.keys.items()))
        return SignedJsonPush(f"{hub}/v1/departments/{department.code}", keyid, catalogue.secret(secret).encode())
    if isinstance(guard, SoapGuard):
        key = signing_key(guard.certificates[0], catalogue, environment)
        return SignedSoap(f"{hub}/soap/{department.code}", key)
    raise ValueError(f"{department.code}: the sandbox pushes with an hmac or a ws-security guard only")


class SignedJsonPush:
    """POST of one report or answer, signed as RFC 9421 has it. ``url``: the department's own place at the hub."""

    def __init__(self, url: str, keyid: str, secret: bytes) -> None:
        self._url = url
        self._keyid = keyid
        self._secret = secret
        self._sessions = _Sessions()

    def __call__(self, message: PushMessage) -> None:
        """Raises PushError unless the hub answers 2xx."""
        path = "statuses" if isinstance(message, StatusReport) else "settlement-answers"
        headers = {"Content-Type": "application/json", "Idempotency-Key": number_of(message)}
        body = message.model_dump_json(exclude_none=True).encode()
        request = requests.Request("POST", f"{self._url}/{path}", headers=headers, data=body).prepare()
        signatures.sign(request, self._keyid, self._secret)
        self._sessions.send(request)


class SignedSoap:
    """The operations of schemas/wire/hub-department.wsdl, signed."""

    def __init__(self, url: str, key: WsseKey) -> None:
        self._url = url
        self._key = key
        self._contract = contract(HUB_WSDL)
        self._sessions = _Sessions()

    def __call__(self, pushed: PushMessage) -> None:
        """Raises PushError unless the hub answers 2xx; a fault is answered with 500."""
        operation, message = _report(pushed) if isinstance(pushed, StatusReport) else _answer(pushed)
        envelope = self._contract.envelope(operation, message)
        wsse.sign(envelope, self._key, now())
        action = self._contract.operations[operation].action
        headers = {"Content-Type": CONTENT_TYPE, "SOAPAction": f'"{action}"'}
        request = requests.Request("POST", self._url, headers=headers, data=to_bytes(envelope)).prepare()
        self._sessions.send(request)


def _report(report: StatusReport) -> tuple[str, dict[str, Any]]:
    message: dict[str, Any] = {
        "reportId": report.report_id,
        "dossierCode": report.dossier_code,
        "status": report.status,
        "at": report.at,
        "note": report.note,
    }
    if report.signed is not None:
        parts = report.signed.model_dump(exclude_none=True)
        message["signed"] = {name: base64.b64decode(part) for name, part in parts.items()}
    return "ReportStatus", message


def _answer(answer: TableAnswer) -> tuple[str, dict[str, Any]]:
    message = {
        "answerId": answer.answer_id,
        "settlementId": answer.settlement_id,
        "sha256": answer.sha256,
        "verdict": answer.verdict,
        "line": [line.model_dump() for line in answer.lines],
        "answeredBy": answer.answered_by,
        "answeredAt": answer.answered_at,
    }
    return "AnswerSettlement", message


class _Sessions(threading.local):
    """One connection to the hub for each thread that pushes."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False

    def send(self, request: requests.PreparedRequest) -> None:
        """Raises PushError unless the answer is 2xx."""
        try:
            response = self._session.send(request, timeout=TIMEOUT, allow_redirects=False)
        except requests.RequestException as error:
            raise PushError(type(error).__name__, away=True) from error
        status = response.status_code
        if not requests.codes.ok <= status < requests.codes.multiple_choices:
            raise PushError(f"HTTP {status}", away=status in _AWAY)
