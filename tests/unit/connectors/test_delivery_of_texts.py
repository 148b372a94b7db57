"""Whatever text a submission was accepted with can be said in every dialect, and is heard as it was written."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.departments import rest, soap
from connectors.departments.rest import Renames
from connectors.postal.messages import order_form
from connectors.transport import envelope, xml
from connectors.transport.contract import contract
from hub.clock import now
from schemas.department import Handoff
from schemas.portal import Submission
from schemas.postal import ConsignmentOrder, Contact
from schemas.strict import Refused, read
from tests.unit.connectors.soap_office import the_catalogue
from tests.unit.schemas.documents import a_full_submission

TEXTS = st.text(st.characters(exclude_categories=()), max_size=30) | st.text(
    "Nguyễn Văn\t\r\n \u0300\u200b\u2028<&]]>", max_size=1001
)
KEY = "tr_01M85SMWS20E6G2XCP78BXP9SG"


def accepted(texts: dict[str, str]) -> Submission | None:
    document: dict[str, Any] = a_full_submission()
    applicant, address = document["applicant"], document["applicant"]["address"]
    applicant |= {"name": texts["name"], "email": texts["email"], "address": address | {"detail": texts["detail"]}}
    document |= {"summary": texts["summary"], "dossier_code": texts["code"]}
    document["papers"][0] |= {"name": texts["paper"], "reference": texts["reference"]}
    try:
        return read(Submission, json.dumps(document).encode())
    except Refused:
        return None


def handed(submission: Submission) -> Handoff:
    moment = now()
    return Handoff(
        id=KEY,
        dossier_code=submission.dossier_code or "",
        leg=1,
        from_agency="000.00.01.H42",
        to_agency="000.00.21.H42",
        procedure=submission.procedure,
        procedure_title="Thủ tục để thử nghiệm",
        received_at=moment,
        due_at=moment + timedelta(days=5),
        **{name: getattr(submission, name) for name in ("channel", "applicant", "summary", "papers", "fees", "result")},
    )


FILLED = st.fixed_dictionaries(
    {
        "name": TEXTS,
        "detail": TEXTS,
        "summary": TEXTS,
        "paper": TEXTS,
        "email": st.just("thu@example.vn") | TEXTS.map(lambda text: f"a{text}@example.vn"),
        "reference": st.just("kho/1.pdf") | TEXTS,
        "code": st.just("H42.16-261124-0001")
        | st.text(" \t\n\x1f\u00a0", max_size=40).map(lambda gap: f"H42.16{gap}-261124-0001"),
    }
)


@settings(deadline=None)
@given(FILLED)
def test_what_was_accepted_is_delivered_in_every_dialect(texts: dict[str, str]) -> None:
    submission = accepted(texts)
    if submission is None:
        return
    handoff = handed(submission)

    port = object.__new__(rest.RESTDepartment)
    port._renames = Renames({})
    assert Handoff.model_validate_json(port.encode(handoff)) == handoff
    for wsdl in {department.wsdl for department in the_catalogue().departments.values() if department.wsdl}:
        message = {"key": KEY, "handoff": soap.encode(handoff)}
        heard = xml.parse(envelope.to_bytes(contract(wsdl).envelope("SubmitDossier", message)))
        values = {element.text for element in heard.iter() if not len(element)}
        assert {
            submission.applicant.name,
            submission.summary,
            submission.papers[0].name,
            submission.applicant.address.detail,
        } <= values
    order = ConsignmentOrder(
        order_number="A-1",
        sender=_contact(submission),
        receiver=_contact(submission),
    )
    for operator in the_catalogue().operators.values():
        assert json.loads(json.dumps(order_form(operator, order)).encode())["SenderName"] == submission.applicant.name


def _contact(submission: Submission) -> Contact:
    return Contact(
        name=submission.applicant.name,
        phone="0900000000",
        address=submission.applicant.address.detail,
        province="Ninh Bình",
    )


@pytest.mark.parametrize("text", ["a\r\nb", "]]>", "<&>", "\u0300", "👩🏽\u200d⚖️"])
def test_so_are_texts_that_xml_writes_in_another_way(text: str) -> None:
    submission = accepted(
        {
            "name": "Thử",
            "detail": "Số 1",
            "summary": text,
            "paper": "Đơn",
            "email": "thu@example.vn",
            "reference": "kho/1.pdf",
            "code": "H42.16-261124-0001",
        }
    )
    assert submission is not None
    said_in_soap = contract("department.wsdl").envelope(
        "SubmitDossier", {"key": KEY, "handoff": soap.encode(handed(submission))}
    )
    assert text in {element.text for element in xml.parse(envelope.to_bytes(said_in_soap)).iter()}
