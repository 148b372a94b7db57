"""What becomes of a SOAP call, on real sockets: typed faults, other faults, and no answer at all."""

import socket
import time
from collections.abc import Callable
from functools import partial

import pytest

from connectors.errors import ConnectorCode, ContractBroken, Duplicate, Rejected, Unavailable
from connectors.transport import envelope
from tests.unit.connectors.partner import Partner, a_closed_port, after_reading, reset
from tests.unit.connectors.soap_office import (
    BUSY,
    CODE,
    EXISTS,
    FOUND,
    REASON,
    REFUSED,
    SUBMITTED,
    SoapOffice,
    a_handoff,
    answer,
    body_in,
    find,
    heard,
    http,
    outcome,
    payload,
    refusal,
    sent,
    submit,
    text,
)

OTHER = "000.00.31.H42-261124-0002"


def test_a_dossier_is_handed_over_whole_signed_and_under_its_key(office: SoapOffice) -> None:
    receipt = office.will(answer(SUBMITTED)).submit(a_handoff(), "tr_1")

    assert (receipt.number, receipt.received_at.isoformat()) == ("31/2026-7", "2026-11-24T09:00:00+07:00")
    head = office.requests[0].partition(b"\r\n\r\n")[0]
    assert head.startswith(b"POST /soap HTTP/1.1\r\n")
    assert b'SOAPAction: "urn:lienthong:department:1:SubmitDossier"' in head
    message = heard(office.requests[0])
    assert text(message, "key") == "tr_1"
    assert text(message, "handoff", "dossierCode") == CODE
    assert text(message, "handoff", "summary") == a_handoff().summary
    assert text(message, "handoff", "result", "address", "commune") == "Phường Mẫu"


def test_a_dossier_that_is_there_is_found_by_its_code(office: SoapOffice) -> None:
    missing = f"<FindDossierResponse><dossierCode>{CODE}</dossierCode></FindDossierResponse>"
    port = office.will(answer(FOUND), answer(missing))
    receipt, not_found = port.find(a_handoff(), "tr_1"), port.find(a_handoff(), "tr_1")

    assert receipt
    assert receipt.number == "31/2026-7"
    assert not_found is None
    assert text(heard(office.requests[0]), "dossierCode") == CODE


def test_changes_come_in_the_departments_order_and_in_its_codes(office: SoapOffice) -> None:
    page = """<ListChangesResponse>
        <report><reportId>b</reportId><dossierCode>000.00.31.H42-261124-0001</dossierCode><status>20</status>
          <at>2026-11-24T02:00:00.123Z</at><note>Đang thẩm định</note></report>
        <report><reportId>a</reportId><dossierCode>000.00.31.H42-261124-0002</dossierCode><status>10</status>
          <at>2026-11-24T08:00:00+07:00</at></report>
        <cursor>41</cursor></ListChangesResponse>"""
    changes = office.will(answer(page)).changes("40")

    assert [(report.report_id, report.status, report.note) for report in changes.reports] == [
        ("b", "20", "Đang thẩm định"),
        ("a", "10", None),
    ]
    assert changes.cursor == "41"
    assert text(heard(office.requests[0]), "after") == "40"


def test_a_check_pings(office: SoapOffice) -> None:
    assert "Ping" in office.will(answer("<PingResponse><system>thử nghiệm 1.0</system></PingResponse>")).check()
    assert heard(office.requests[0]).tag == "{urn:lienthong:department:1}Ping"


def test_a_department_that_knows_us_by_password_gets_a_digest_of_it(plain_office: SoapOffice) -> None:
    assert plain_office.will(answer(SUBMITTED, signer=None)).submit(a_handoff(), "tr_1").number == "31/2026-7"
    assert b"UsernameToken" in body_in(plain_office.requests[0])
    assert b"PasswordDigest" in body_in(plain_office.requests[0])


def test_typed_faults_are_outcomes(office: SoapOffice) -> None:
    refused, exists, busy = (outcome(office, refusal("Client", detail)) for detail in (REFUSED, EXISTS, BUSY))

    assert isinstance(refused, Rejected)
    assert refused.reason == REASON
    assert "TP-07" in refused.detail
    assert isinstance(exists, Duplicate)
    assert exists.reply.number == "31/2026-7"
    assert isinstance(busy, Unavailable)
    assert (busy.retry_after, busy.outcome_unknown) == (120, False)


def test_a_typed_fault_counts_whatever_the_http_status(office: SoapOffice) -> None:
    for status in (200, 400, 401, 403, 404, 502):
        assert isinstance(outcome(office, refusal("Client", REFUSED, status=status)), Rejected), status
    assert isinstance(outcome(office, refusal("Server", BUSY, status=503)), Unavailable)


def beside(detail: str, *others: str) -> bytes:
    """A fault with ``detail`` among what a stack adds of its own."""
    fault = envelope.fault("Server", "", payload(others[0]))
    entries = fault.find(".//detail")
    assert entries is not None
    entries.extend(payload(entry) for entry in (detail, *others[1:]))
    return sent(fault, status=500)


def test_a_typed_fault_is_found_beside_what_a_stack_adds(office: SoapOffice) -> None:
    """Axis 1 adds exceptionName, stackTrace and hostname to every fault."""
    refused = outcome(
        office, beside(REFUSED, "<exceptionName>vn.motcua.Loi</exceptionName>", "<hostname>srv</hostname>")
    )

    assert isinstance(refused, Rejected)
    assert refused.reason == REASON


def test_of_two_typed_faults_none_is_believed(office: SoapOffice) -> None:
    assert isinstance(outcome(office, beside(REFUSED, BUSY)), ContractBroken)


@pytest.mark.parametrize(
    ("say", "message"),
    [
        (answer, SUBMITTED.replace(CODE, OTHER)),
        (partial(refusal, "Client"), EXISTS.replace(CODE, OTHER)),
        (partial(refusal, "Client"), REFUSED.replace(CODE, OTHER)),
        (answer, SUBMITTED.replace(CODE, "no dossier")),
    ],
)
def test_an_answer_about_another_dossier_is_no_answer(
    office: SoapOffice, say: Callable[[str], bytes], message: str
) -> None:
    assert isinstance(outcome(office, say(message)), ContractBroken)


def test_an_answer_may_write_the_code_in_small_letters(office: SoapOffice) -> None:
    assert office.will(answer(SUBMITTED.replace(CODE, CODE.lower()))).submit(a_handoff(), "tr_1").number == "31/2026-7"


@pytest.mark.parametrize("code", ["Server", "a:InternalServiceFault", "Whatever", ""])
def test_after_a_fault_of_the_server_the_outcome_is_unknown(office: SoapOffice, code: str) -> None:
    failed = outcome(office, refusal(code))
    assert isinstance(failed, Unavailable)
    assert (failed.code, failed.outcome_unknown) == (ConnectorCode.ERROR, True)


def test_a_question_that_fails_leaves_nothing_unknown(office: SoapOffice) -> None:
    failed = outcome(office, refusal("Server"), find)
    assert isinstance(failed, Unavailable)
    assert not failed.outcome_unknown


@pytest.mark.parametrize("code", ["Client", "Client.Validation", "VersionMismatch", "MustUnderstand"])
def test_a_fault_that_blames_our_message_waits_for_a_person(office: SoapOffice, code: str) -> None:
    failed = outcome(office, refusal(code))
    assert isinstance(failed, ContractBroken)
    assert failed.code == ConnectorCode.CONTRACT


@pytest.mark.parametrize("code", ["FailedAuthentication", "InvalidSecurity", "wsse:FailedCheck"])
def test_a_fault_about_our_credentials_says_so(office: SoapOffice, code: str) -> None:
    assert outcome(office, refusal(code)).code == ConnectorCode.AUTH


def test_a_fault_behind_503_did_nothing(plain_office: SoapOffice) -> None:
    failed = outcome(plain_office, refusal("Server", status=503, signer=None))
    assert isinstance(failed, Unavailable)
    assert (failed.code, failed.outcome_unknown) == (ConnectorCode.BUSY, False)


@pytest.mark.parametrize(
    ("status", "headers", "code", "unknown", "pause"),
    [
        (503, ["Retry-After: 7"], ConnectorCode.BUSY, False, 7),
        (429, [], ConnectorCode.BUSY, False, None),
        (502, [], ConnectorCode.ERROR, True, None),
        (500, [], ConnectorCode.ERROR, True, None),
    ],
)
def test_a_gateways_page_means_what_its_status_says(
    office: SoapOffice, status: int, headers: list[str], code: str, unknown: bool, pause: float | None
) -> None:
    failed = outcome(office, http(status, b"<html>", "text/html", *headers))
    assert isinstance(failed, Unavailable)
    assert (failed.code, failed.outcome_unknown, failed.retry_after) == (code, unknown, pause)


def test_a_good_answer_with_a_bad_status_is_not_believed(office: SoapOffice) -> None:
    failed = outcome(office, answer(SUBMITTED, status=500))
    assert isinstance(failed, Unavailable)
    assert failed.outcome_unknown


@pytest.mark.parametrize("status", [401, 403])
def test_a_401_or_403_is_about_our_credentials(office: SoapOffice, status: int) -> None:
    failed = outcome(office, http(status, b"", "text/html"))
    assert isinstance(failed, ContractBroken)
    assert failed.code == ConnectorCode.AUTH


def silence(connection: socket.socket) -> None:
    time.sleep(2)


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (reset, ConnectorCode.CUT),
        (lambda connection: connection.sendall(answer(SUBMITTED)[:-200]), ConnectorCode.CUT),
        (silence, ConnectorCode.TIMEOUT),
    ],
)
def test_when_the_request_has_left_and_no_answer_came_the_outcome_is_unknown(
    office: SoapOffice, act: Callable[[socket.socket], object], code: str
) -> None:
    failed = outcome(office, after_reading(act))
    assert isinstance(failed, Unavailable)
    assert (failed.code, failed.outcome_unknown) == (code, True)


def test_nobody_listening_is_known_not_to_have_acted() -> None:
    nowhere = SoapOffice(Partner(a_closed_port()), "soap-a")
    with pytest.raises(Unavailable) as raised:
        submit(nowhere.port)
    assert not raised.value.outcome_unknown
