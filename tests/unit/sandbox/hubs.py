"""The hub as a department sees it: takes signed reports over HTTP and SOAP, or refuses for a while."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from config.catalogue import Catalogue, HmacGuard, SoapGuard
from connectors.clock import now
from connectors.transport import signatures, wsse_verifier
from connectors.transport.envelope import payload_of
from connectors.transport.wsse_verifier import PinnedCertificate
from connectors.transport.xml import Element, parse, schema_of
from schemas import strict
from schemas.department import StatusReport
from schemas.settlement import TableAnswer

_ANSWER: Final = {
    "answerId": "answer_id",
    "settlementId": "settlement_id",
    "sha256": "sha256",
    "verdict": "verdict",
    "answeredBy": "answered_by",
    "answeredAt": "answered_at",
}
_NAMES: Final = {"reportId": "report_id", "dossierCode": "dossier_code"}


class WitnessHub(ThreadingHTTPServer):
    """Keeps every report and answer whose signature holds, in the order in which they came, repeats included."""

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__(("127.0.0.1", 0), _WitnessHandler)
        self.catalogue = catalogue
        self.reports: list[StatusReport] = []
        self.answers: list[TableAnswer] = []
        self.refuse_next = 0
        """how many of the next reports are answered with 503"""
        self.refused = 0
        self.unwanted: set[str] = set()
        """dossier codes whose reports are answered with 422"""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def of(self, dossier_code: str) -> list[StatusReport]:
        """The reports of one dossier."""
        return [report for report in list(self.reports) if report.dossier_code == dossier_code]


@contextmanager
def witness_hub(catalogue: Catalogue) -> Iterator[WitnessHub]:
    with WitnessHub(catalogue) as hub:
        thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()


def _answer_in(message: Element) -> TableAnswer:
    texts = {name: message.findtext(f"{{*}}{tag}") for tag, name in _ANSWER.items()}
    lines = [{"number": int(line[0].text or ""), "reason": line[1].text} for line in message.iterfind("{*}line")]
    return strict.read(TableAnswer, json.dumps(texts | {"lines": lines}).encode())


class _WitnessHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: WitnessHub

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.refuse_next:
            self.server.refuse_next -= 1
            self.server.refused += 1
            self._answer(503)
            return
        report = self._soap(body) if self.path.startswith("/soap/") else self._json(body)
        if isinstance(report, TableAnswer):
            self.server.answers.append(report)
            self._answer(202)
            return
        if report.dossier_code in self.server.unwanted:
            self._answer(422)
            return
        self.server.reports.append(report)
        self._answer(202)

    def _json(self, body: bytes) -> StatusReport | TableAnswer:
        *_, code, resource = self.path.split("/")
        department = self.server.catalogue.departments[code]
        assert self.path == f"/v1/departments/{code}/{resource}"
        assert isinstance(department.guard, HmacGuard)
        keys = {keyid: self.server.catalogue.secret(name).encode() for keyid, name in department.guard.keys.items()}
        url = self.server.url + self.path
        signatures.verify("POST", url, self.headers.items(), body, keys=keys, now=now())
        if resource == "settlement-answers":
            answer = strict.read(TableAnswer, body)
            assert self.headers["Idempotency-Key"] == answer.answer_id
            return answer
        assert resource == "statuses"
        report = strict.read(StatusReport, body)
        assert self.headers["Idempotency-Key"] == report.report_id
        return report

    def _soap(self, body: bytes) -> StatusReport | TableAnswer:
        department = self.server.catalogue.departments[self.path.split("/")[2]]
        assert isinstance(department.guard, SoapGuard)
        pinned = [
            PinnedCertificate.from_pem(self.server.catalogue.secret(name).encode())
            for name in department.guard.certificates
        ]
        message = payload_of(wsse_verifier.verify(parse(body), pinned, now()))
        assert schema_of("hub-department.wsdl", "urn:lienthong:hub:1").fault(message) is None
        if message.tag.endswith("}AnswerSettlement"):
            return _answer_in(message)
        fields = {child.tag.rpartition("}")[2]: child.text or "" for child in message}
        return strict.read(StatusReport, json.dumps({_NAMES.get(name, name): fields[name] for name in fields}).encode())

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Silence: pytest shows what matters."""
