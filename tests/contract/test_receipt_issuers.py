"""The issuers of receipts of every catalogue: what is asked, and what each of their answers means. On real sockets.

The answers are those that public clients of VNPT's services handle (docs/integrators/receipts.md).
"""

import socket
from collections.abc import Callable, Iterator

import pytest
from lxml import etree

from config.catalogue import Catalogue, Issuer, load
from config.settings import PACKAGED
from connectors import registry
from connectors.errors import ConnectorCode, ConnectorError, ContractBroken, Duplicate, Unavailable
from connectors.ports import ReceiptPort
from connectors.receipts import MEANINGS
from connectors.registry import PortOptions
from connectors.transport.exchange import recording
from tests.catalogue_secrets import CATALOGUE, generated
from tests.receipts import a_receipt, http, item, message_of, result, voiding
from tests.unit.connectors.partner import Behaviour, Partner, after_reading, answering, partner, reset, scripted

RECEIPT = a_receipt(number=17)
OK = f"OK:01BLP0-001;PT-26E-{RECEIPT.fkey}_17"
Ask = Callable[[ReceiptPort], object]


def issue(port: ReceiptPort) -> object:
    return port.issue(RECEIPT, RECEIPT.receipt_id)


def find(port: ReceiptPort) -> object:
    return port.find(RECEIPT, RECEIPT.receipt_id)


def void(port: ReceiptPort) -> object:
    return port.void(voiding(RECEIPT), RECEIPT.receipt_id)


class IssuerOnSocket:
    """The issuer of a catalogue on a socket, and the hub's port to it."""

    def __init__(self, server: Partner, issuer: Issuer, catalogue: Catalogue) -> None:
        self.issuer = issuer.model_copy(update={"timeout_seconds": 1.0})
        self.catalogue = catalogue
        self.requests = server.requests
        self.behaviour: Behaviour = answering(http(404, b""))
        self.port: ReceiptPort = registry.port(self.issuer, PortOptions(catalogue, f"{server.url}/dich-vu"))

    def will(self, *replies: bytes | Behaviour) -> ReceiptPort:
        self.requests.clear()
        self.behaviour = scripted(replies)
        return self.port

    def outcome(self, reply: bytes | Behaviour, ask: Ask = issue) -> ConnectorError:
        with pytest.raises(ConnectorError) as raised:
            ask(self.will(reply))
        return raised.value


@pytest.fixture(scope="module", params=[CATALOGUE, PACKAGED], ids=["tests", "shipped"])
def issuer(request: pytest.FixtureRequest) -> Iterator[IssuerOnSocket]:
    catalogue = load(request.param, generated(request.param).hub)
    assert catalogue.receipts is not None
    assert catalogue.receipts.issuer is not None
    issuer = catalogue.receipts.issuer

    def attend(connection: socket.socket, server: Partner) -> None:
        opened.behaviour(connection, server)

    with partner(attend) as server:
        opened = IssuerOnSocket(server, issuer, catalogue)
        yield opened


def test_a_receipt_is_issued_under_its_fkey_with_all_that_it_says(issuer: IssuerOnSocket) -> None:
    issued = issuer.will(result("ImportAndPublishInv", OK)).issue(RECEIPT, RECEIPT.receipt_id)
    assert (issued.template, issued.symbol, issued.number) == ("01BLP0-001", "PT-26E", 17)
    path, operation, parts = message_of(issuer.requests[0])
    assert (path, operation) == ("/dich-vu/PublishService.asmx", "ImportAndPublishInv")
    assert b'SOAPAction: "http://tempuri.org/ImportAndPublishInv"' in issuer.requests[0]
    assert (parts["pattern"], parts["serial"], parts["convert"]) == ("01BLP0-001", "PT-26E", "0")
    assert parts["Account"] == issuer.issuer.account
    assert parts["password"] == issuer.catalogue.secret(issuer.issuer.password)
    inv = etree.fromstring(parts["xmlInvData"]).find("Inv")
    assert inv is not None
    assert (inv.findtext("key"), inv.findtext("Invoice/ArisingDate")) == (RECEIPT.fkey, "24/11/2026")
    assert "_" not in RECEIPT.fkey, "underscores separate fkeys over there"
    assert inv.findtext("Invoice/AmountInWords") == "Một trăm hai mươi nghìn đồng"
    assert [product.findtext("ProdName") for product in inv.iterfind("Invoice/Products/Product")] == [
        "Phí thẩm định <thử> & nghiệm",
        "Phí sao lục",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "OK",
        "OK:",
        OK + ",x_18",
        OK.replace("PT-26E", "XX-26E"),
        OK.replace(RECEIPT.fkey, "rc02"),
        OK[:-2],
        OK[:-2] + "0",
        OK + "0000000",
        "<html>",
    ],
)
def test_an_answer_that_is_not_about_this_receipt_waits_for_a_person(issuer: IssuerOnSocket, text: str) -> None:
    error = issuer.outcome(result("ImportAndPublishInv", text))
    assert isinstance(error, ContractBroken)
    assert error.code == ConnectorCode.CONTRACT


@pytest.mark.parametrize("number", [number for number in MEANINGS if number not in {"5", "13"}])
def test_what_the_issuer_cannot_do_waits_for_a_person_in_its_words(issuer: IssuerOnSocket, number: str) -> None:
    error = issuer.outcome(result("ImportAndPublishInv", f"ERR:{number}"))
    assert isinstance(error, ContractBroken)
    assert error.code == (ConnectorCode.AUTH if number in {"1", "7"} else ConnectorCode.ISSUER)
    assert MEANINGS[number] in error.detail


@pytest.mark.parametrize("text", ["ERR:99", "ERR:-3", "ERR:3 Dữ liệu của ông Nguyễn Văn Thử Nghiệm"])
def test_an_error_that_is_not_known_waits_too_and_its_words_are_not_repeated(issuer: IssuerOnSocket, text: str) -> None:
    error = issuer.outcome(result("ImportAndPublishInv", text))
    assert isinstance(error, ContractBroken)
    assert error.code == ConnectorCode.ISSUER
    assert "Nguyễn" not in str(error)


@pytest.mark.parametrize("text", ["ERR:5", "ERR:"])
def test_a_failure_over_there_leaves_the_outcome_unknown(issuer: IssuerOnSocket, text: str) -> None:
    error = issuer.outcome(result("ImportAndPublishInv", text))
    assert isinstance(error, Unavailable)
    assert error.outcome_unknown


def test_an_fkey_that_is_there_is_a_duplicate_whose_number_is_asked_for(issuer: IssuerOnSocket) -> None:
    error = issuer.outcome(result("ImportAndPublishInv", "ERR:13"))
    assert isinstance(error, Duplicate)
    assert error.reply is None


def test_no_answer_in_time_and_a_cut_connection_leave_the_outcome_unknown(issuer: IssuerOnSocket) -> None:
    def silent(connection: socket.socket) -> None:
        connection.recv(1)  # until the hub has gone

    for behaviour, code in ((silent, ConnectorCode.TIMEOUT), (reset, ConnectorCode.CUT)):
        error = issuer.outcome(after_reading(behaviour))
        assert isinstance(error, Unavailable)
        assert (error.code, error.outcome_unknown) == (code, True)


def test_busy_means_that_nothing_was_done(issuer: IssuerOnSocket) -> None:
    error = issuer.outcome(b"HTTP/1.1 503 X\r\nRetry-After: 90\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    assert isinstance(error, Unavailable)
    assert (error.outcome_unknown, error.retry_after) == (False, 90)


def test_half_an_envelope_and_a_gateways_page_wait_for_a_person(issuer: IssuerOnSocket) -> None:
    for body in (b'<?xml version="1.0"?><soap:Envelope', b"<html>xin chao</html>", b"<!DOCTYPE x []><x/>"):
        assert isinstance(issuer.outcome(http(200, body)), ContractBroken)


def test_what_is_there_is_found_by_its_fkey(issuer: IssuerOnSocket) -> None:
    issued = issuer.will(result("listInvByCusFkey", item(RECEIPT))).find(RECEIPT, RECEIPT.receipt_id)
    assert issued is not None
    assert issued.number == 17
    path, operation, parts = message_of(issuer.requests[0])
    assert (path, operation, parts["key"]) == ("/dich-vu/PortalService.asmx", "listInvByCusFkey", RECEIPT.fkey)
    assert "ACpass" not in parts, "asking needs the service's password only"


@pytest.mark.parametrize("text", ["<Data></Data>", "<Data/>", "ERR:6"])
def test_what_is_not_there_is_not_found(issuer: IssuerOnSocket, text: str) -> None:
    assert find(issuer.will(result("listInvByCusFkey", text))) is None


def test_what_the_list_has_under_another_fkey_is_not_ours(issuer: IssuerOnSocket) -> None:
    assert find(issuer.will(result("listInvByCusFkey", item(RECEIPT, fkey="rc02")))) is None


@pytest.mark.parametrize(
    "text", [item(RECEIPT, amount="119999"), item(RECEIPT, invNum=""), "<Data><Item>", "ERR:1", "ERR:4", "ERR:7"]
)
def test_a_list_that_does_not_hold_this_receipt_waits_for_a_person(issuer: IssuerOnSocket, text: str) -> None:
    assert isinstance(issuer.outcome(result("listInvByCusFkey", text), find), ContractBroken)


def test_another_number_is_found_as_it_is(issuer: IssuerOnSocket) -> None:
    issued = issuer.will(result("listInvByCusFkey", item(RECEIPT, invNum="0000021"))).find(RECEIPT, "")
    assert issued is not None
    assert issued.number == 21


def test_a_receipt_becomes_void_and_void_again_is_void(issuer: IssuerOnSocket) -> None:
    issuer.will(result("cancelInvNoPay", "OK:")).void(voiding(RECEIPT), RECEIPT.receipt_id)
    path, operation, parts = message_of(issuer.requests[0])
    assert (path, operation, parts["fkey"]) == ("/dich-vu/BusinessService.asmx", "cancelInvNoPay", RECEIPT.fkey)
    error = issuer.outcome(result("cancelInvNoPay", "ERR:8"), void)
    assert isinstance(error, Duplicate)
    assert error.reply is not None


@pytest.mark.parametrize("text", ["ERR:2", "ERR:9", "xong"])
def test_what_cannot_become_void_waits_for_a_person(issuer: IssuerOnSocket, text: str) -> None:
    assert isinstance(issuer.outcome(result("cancelInvNoPay", text), void), ContractBroken)


def test_a_check_asks_for_what_nobody_has(issuer: IssuerOnSocket) -> None:
    assert "listInvByCusFkey" in issuer.will(result("listInvByCusFkey", "<Data></Data>")).check()


def test_neither_passwords_nor_the_receipt_stand_in_the_evidence(issuer: IssuerOnSocket) -> None:
    with recording() as exchanges:
        issue(issuer.will(result("ImportAndPublishInv", OK)))
    evidence = str(exchanges)
    secrets = [issuer.catalogue.secret(name) for name in (issuer.issuer.password, issuer.issuer.account_password)]
    assert exchanges
    assert not [text for text in (*secrets, issuer.issuer.account, RECEIPT.dossier_code) if text in evidence]
