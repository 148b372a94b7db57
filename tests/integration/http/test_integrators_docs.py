"""What docs/integrators shows is true: its examples are read, signed and answered as it says."""

import json
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import BaseModel

from connectors.transport import signatures
from connectors.transport.envelope import body_of, payload_of
from connectors.transport.xml import parse, schema_of
from hub.fees.demands import payer_notice
from hub.http.answers import AcceptedAnswer, AcceptedReport, AcceptedSubmission, SubmissionDocument
from schemas import strict
from schemas.department import Changes, HandoffReceipt
from schemas.payment_reference import PaymentReference
from schemas.portal import Notice, Submission
from schemas.settlement import TableAnswer, TableReceipt

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs" / "integrators"


def blocks(name: str, language: str) -> list[str]:
    """The code blocks of ``language`` in one page, in order."""
    return re.findall(
        rf"^```{language}\n(.*?)^```$", (DOCS / name).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


@pytest.mark.parametrize(
    ("name", "models"),
    [
        ("portal.md", [Submission, AcceptedSubmission, SubmissionDocument, Notice]),
        ("departments-rest.md", [HandoffReceipt, Changes, AcceptedReport, TableReceipt, TableAnswer, AcceptedAnswer]),
    ],
)
def test_every_json_example_is_a_message_of_ours(name: str, models: list[type[BaseModel]]) -> None:
    for text, model in zip(blocks(name, "json"), models, strict=True):
        if issubclass(model, strict.Strict):
            strict.read(model, text.encode())
        else:
            assert set(json.loads(text)) == set(model.model_fields)
            model.model_validate_json(text)


def test_the_payment_that_is_shown_can_be_paid() -> None:
    fee = json.loads(blocks("portal.md", "json")[2])["fee"]

    asked = payer_notice.decode(fee["qr"])

    assert str(PaymentReference.parse(asked.purpose)) == fee["reference"]
    account = fee["account"]
    assert (asked.bin, asked.account, asked.amount) == (account["bank_bin"], account["number"], fee["outstanding"])
    assert fee["amount_due"] == fee["waived"] + fee["paid"] + fee["outstanding"]


def test_the_signature_that_is_shown_is_the_one_that_we_make_and_accept() -> None:
    head, _, body = blocks("portal.md", "http")[0].rstrip("\n").partition("\n\n")
    first, *lines = head.splitlines()
    shown = dict(line.split(": ", 1) for line in lines)
    url = f"https://{shown['Host']}{first.split()[1]}"
    key_id, secret = re.findall(r"Khóa `([^`]+)`, bí mật `([^`]+)`", (DOCS / "portal.md").read_text(encoding="utf-8"))[
        0
    ]
    sent = {name: shown[name] for name in ("Content-Type", "Idempotency-Key")}
    request = requests.Request("POST", url, headers=sent, data=body.encode()).prepare()
    moment = datetime.fromtimestamp(1795492800, UTC)

    signatures.sign(request, key_id, secret.encode(), created=moment)

    for name in ("Content-Digest", "Signature-Input", "Signature"):
        assert request.headers[name] == shown[name]
    assert (
        signatures.verify("POST", url, shown.items(), body.encode(), keys={key_id: secret.encode()}, now=moment)
        == key_id
    )


def test_the_soap_examples_are_what_the_contract_says() -> None:
    shown = [payload_of(body_of(parse(text.encode()))) for text in blocks("departments-soap.md", "xml")]

    assert [payload.tag.rpartition("}")[2] for payload in shown] == ["ReportStatus", "AnswerSettlement"]
    assert [schema_of("hub-department.wsdl", "urn:lienthong:hub:1").fault(payload) for payload in shown] == [None, None]


def test_the_new_department_that_is_shown_is_the_one_that_is_tested() -> None:
    shown = tomllib.loads(blocks("departments-rest.md", "toml")[0])
    tested: dict[str, Any] = tomllib.loads((ROOT / "tests/contract/newcomer/so-mau.toml").read_text(encoding="utf-8"))
    recordings = {path.name for path in (ROOT / "tests/contract/newcomer/so-mau").iterdir()}
    page = (DOCS / "departments-rest.md").read_text(encoding="utf-8")

    assert shown == tested
    for name in recordings - {f"status.{code}.json" for code in shown["status"]}:
        assert f"`{name}`" in page


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_every_file_that_a_page_points_to_is_there(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target
