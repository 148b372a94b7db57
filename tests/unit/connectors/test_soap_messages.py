"""What we say in SOAP: exactly what the WSDL has, or nothing; read from vendored contracts only."""

import threading
from pathlib import Path

import pytest
import zeep
from pydantic import SecretStr
from zeep.exceptions import ExternalReferenceForbidden

from config.catalogue import Department
from connectors.departments.soap import NAMESPACE, SOAPDepartment, encode
from connectors.errors import ConnectorCode, ContractBroken, Unavailable
from connectors.transport import xml
from connectors.transport.contract import BASE, STRICT, InvalidMessage, SoapContract, _Vendored, contract
from connectors.transport.envelope import payload_of
from connectors.transport.exchange import recording
from connectors.transport.soap import SoapSecurity
from connectors.transport.wsse import UnusableKeyError
from tests.self_signed import a_pair, an_outdated_pair
from tests.unit.connectors.lures import a_listener
from tests.unit.connectors.soap_office import (
    CODE,
    SUBMITTED,
    SoapOffice,
    a_handoff,
    answer,
    heard,
    text,
    the_catalogue,
)

WSDL = "department.wsdl"


def test_a_handoff_is_said_in_the_words_of_the_wsdl() -> None:
    message = encode(a_handoff())

    assert message["dossierCode"] == CODE
    assert message["procedureTitle"] == "Cấp giấy xác nhận thử nghiệm"
    assert message["applicant"]["identity"]["kind"] == "cccd"
    assert [sorted(paper) for paper in message["papers"]["paper"]] == [
        ["code", "mediaType", "name", "reference", "sha256", "size"],
        ["code", "content", "mediaType", "name", "sha256", "size"],
    ]
    assert message["papers"]["paper"][1]["content"] == b"PDF!"
    assert message["fees"] == {"fee": [{"code": "LP-01", "kind": "le_phi", "amount": 8000}]}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"papers": [], "fees": []},
        {"result": {"method": "electronic"}},
        {"received_at": "2026-11-24T01:15:00.123456Z"},
        {"dossier_code": "h42.16-261124-123456", "from_agency": "H42.01", "to_agency": "H42.16"},
        {"procedure": "3.000181.000.00.00.H22", "channel": "counter", "summary": "x" * 1000},
    ],
)
def test_every_valid_handoff_can_be_said(changes: dict[str, object]) -> None:
    message = {"key": "tr_1", "handoff": encode(a_handoff(**changes))}
    assert contract(WSDL).fault(payload_of(contract(WSDL).envelope("SubmitDossier", message)[-1])) is None


def test_what_is_said_is_what_was_meant(office: SoapOffice) -> None:
    office.will(answer(SUBMITTED)).submit(a_handoff(), "tr_1")
    message = heard(office.requests[0])

    assert text(message, "handoff", "receivedAt") == "2026-11-24T08:15:00+07:00"
    assert text(message, "handoff", "applicant", "name") == "Nguyễn Văn Thử Nghiệm"
    contents = [element.text for element in message.iter(f"{{{NAMESPACE}}}content")]
    assert contents == ["UERGIQ=="]


@pytest.mark.parametrize("title", ["x" * 1001, "", "Cấp giấy\x0bxác nhận"])
def test_what_the_contract_does_not_allow_is_not_sent(office: SoapOffice, title: str) -> None:
    handoff = a_handoff().model_copy(update={"procedure_title": title})
    with pytest.raises(ContractBroken) as broken:
        office.will(answer(SUBMITTED)).submit(handoff, "tr_1")
    assert broken.value.code == ConnectorCode.OUR_MESSAGE
    assert "xxx" not in str(broken.value)
    assert office.requests == []


@pytest.mark.parametrize(
    "message", [{}, {"dossierCode": CODE, "more": "1"}, {"dossierCode": None}, {"dossierCode": "x" * 49}]
)
def test_a_message_is_held_against_the_contract(message: dict[str, object]) -> None:
    with pytest.raises(InvalidMessage) as invalid:
        contract(WSDL).envelope("FindDossier", message)
    assert "xxx" not in str(invalid.value)


def test_with_a_certificate_that_has_run_out_nothing_is_sent(office: SoapOffice) -> None:
    pair, secrets = an_outdated_pair(), dict(the_catalogue().secrets)
    secrets["HUB_SECRET_TEST_SOAP_SIGN_KEY"] = SecretStr(pair.key.decode())
    secrets["HUB_SECRET_TEST_SOAP_SIGN_CERTIFICATE"] = SecretStr(pair.certificate.decode())
    catalogue = the_catalogue().model_copy(update={"secrets": secrets})
    office.will(answer(SUBMITTED))
    with pytest.raises(Unavailable) as unavailable:
        SOAPDepartment(catalogue.departments["soap-a"], catalogue, office.url).submit(a_handoff(), "tr_1")
    assert (unavailable.value.code, unavailable.value.outcome_unknown) == (ConnectorCode.OUR_CERTIFICATE, False)
    assert office.requests == []


def test_a_key_that_does_not_fit_its_certificate_stops_the_start() -> None:
    with pytest.raises(UnusableKeyError):
        SoapSecurity.from_pem(key=a_pair("hub").key.decode(), certificate=a_pair("other").certificate.decode())


def test_a_password_is_not_in_the_repr_of_anything() -> None:
    assert "long password" not in repr(SoapSecurity(username="hub", password="a long password"))


def test_many_threads_may_share_one_port(office: SoapOffice) -> None:
    port = office.will(answer(SUBMITTED))
    receipts: list[str] = []

    def submit(number: int) -> None:
        receipts.extend(port.submit(a_handoff(), f"tr_{number}_{turn}").number for turn in range(5))

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert receipts == ["31/2026-7"] * 40
    keys = {text(heard(request), "key") for request in office.requests}
    assert keys == {f"tr_{number}_{turn}" for number in range(8) for turn in range(5)}


def test_the_evidence_of_a_call_holds_no_personal_data(office: SoapOffice) -> None:
    with recording() as exchanges:
        office.will(answer(SUBMITTED)).submit(a_handoff(), "tr_1")
    evidence = repr(exchanges)
    assert CODE in evidence
    assert "Thử Nghiệm" not in evidence
    assert a_handoff().applicant.identity.number not in evidence


def test_one_contract_serves_all_departments_of_a_wsdl() -> None:
    assert contract(WSDL) is contract(WSDL)


@pytest.mark.parametrize(
    "changes",
    [
        {"operations": {"submit": "RegisterCase"}},
        {"fields": {"CaseRef": "dossier_code"}},
        {"wsdl": "hub-department.wsdl"},
    ],
)
def test_a_department_that_speaks_otherwise_stops_the_start(changes: dict[str, object]) -> None:
    entry: Department = the_catalogue().departments["soap-a"].model_copy(update=changes)
    with pytest.raises(ValueError, match="soap-a"):
        SOAPDepartment(entry, the_catalogue(), "https://soap-a.example/soap")


def test_a_contract_that_we_do_not_hold_is_not_looked_for() -> None:
    with pytest.raises(xml.NotVendored):
        SoapContract("../../pyproject.toml")


def importing(how: str, location: str) -> bytes:
    """A WSDL that wants to read ``location``."""
    wishes = {
        "wsdl:import": f'<w:import namespace="urn:x" location="{location}"/>',
        "xsd:import": f'<w:types><schema><import namespace="urn:x" schemaLocation="{location}"/></schema></w:types>',
        "xsd:include": f'<w:types><schema><include schemaLocation="{location}"/></schema></w:types>',
    }
    return f"""<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns="http://www.w3.org/2001/XMLSchema"
        targetNamespace="urn:t">{wishes[how]}</w:definitions>""".encode()


class Poisoned(_Vendored):
    """Our loader, with one contract that somebody has got into the list."""

    def __init__(self, wsdl: bytes) -> None:
        self.wsdl = wsdl

    def load(self, url: str) -> bytes:
        return self.wsdl if url == BASE + "evil.wsdl" else super().load(url)


@pytest.mark.parametrize("how", ["wsdl:import", "xsd:import", "xsd:include"])
@pytest.mark.parametrize("where", ["http", "absolute", "file", "up"])
def test_a_contract_cannot_make_us_read_anything_else(how: str, where: str, tmp_path: Path) -> None:
    (tmp_path / "secret.xsd").write_text('<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:x"/>')
    with a_listener() as (port, visits):
        location = {
            "http": f"http://127.0.0.1:{port}/types.xsd",
            "absolute": f"{tmp_path}/secret.xsd",
            "file": f"file://{tmp_path}/secret.xsd",
            "up": f"../../../../../../../../../..{tmp_path}/secret.xsd",
        }[where]
        with pytest.raises((xml.NotVendored, ExternalReferenceForbidden)):
            zeep.Client(BASE + "evil.wsdl", transport=Poisoned(importing(how, location)), settings=STRICT)
        assert next(visits) is None
