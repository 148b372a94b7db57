"""What the portal is shown of a submission's fees: what is to be paid, how, and the picture for a banking app."""

import struct
import zlib
from typing import Any

import pytest
import requests
import segno
from lxml import etree

from hub.fees.demands import payer_notice
from tests.builders import a_submission
from tests.integration.fees.conftest import PAY_FIRST, PAY_LATER, Cashier
from tests.integration.http.caller import ApiCaller, Caller
from tests.integration.http.test_refusals import expect


@pytest.fixture
def cashier(api: ApiCaller) -> Cashier:
    return Cashier(api.hub)


def fee_of(portal: Caller, dossier: str) -> dict[str, Any]:
    fee: dict[str, Any] = portal.get(f"/v1/submissions/{dossier}").json()["fee"]
    return fee


def test_what_is_to_be_paid_is_shown_with_the_reference_the_account_and_each_fee(
    portal: Caller, cashier: Cashier
) -> None:
    dossier = cashier.dossier(exemption="nop-truc-tuyen")

    fee = fee_of(portal, dossier)

    assert (fee["status"], fee["status_label"]) == ("issued", "Chờ thanh toán")
    assert (fee["amount_due"], fee["waived"], fee["paid"], fee["outstanding"]) == (150_000, 30_000, 0, 120_000)
    assert fee["account"] == {
        "bank_bin": "970418",
        "number": "1020304050607",
        "holder": "TRUNG TAM PHUC VU HANH CHINH CONG THU NGHIEM",
    }
    assert [(line["kind"], line["amount"], line["waived"], line["exemption"]) for line in fee["lines"]] == [
        ("phi", 120_000, 0, None),
        ("le_phi", 30_000, 30_000, "nop-truc-tuyen"),
    ]
    asked = payer_notice.decode(fee["qr"])
    assert asked == payer_notice.PayerTransfer("970418", "1020304050607", 120_000, purpose=fee["reference"])


def test_with_each_payment_the_rest_is_asked_for_and_the_version_grows(portal: Caller, cashier: Cashier) -> None:
    dossier = cashier.dossier()
    before = portal.get(f"/v1/submissions/{dossier}")

    cashier.pays(dossier, 100_000)
    part = portal.get(f"/v1/submissions/{dossier}", headers={"If-None-Match": before.headers["ETag"]})
    cashier.pays(dossier, 50_000)
    paid = fee_of(portal, dossier)

    assert part.status_code == 200
    fee = part.json()["fee"]
    assert (fee["status"], fee["outstanding"], payer_notice.decode(fee["qr"]).amount) == ("part_paid", 50_000, 50_000)
    assert (paid["status"], paid["paid"], paid["outstanding"], paid["qr"]) == ("paid", 150_000, 0, None)


def test_where_nothing_is_demanded_there_is_no_fee(portal: Caller, cashier: Cashier) -> None:
    dossier = cashier.dossier("9.000001")

    assert fee_of(portal, dossier) is None
    assert portal.get(f"/v1/submissions/{dossier}/payment.svg").status_code == 404


def test_a_list_shows_the_same_fees(portal: Caller, cashier: Cashier) -> None:
    dossiers = [cashier.dossier(), cashier.dossier(PAY_LATER), cashier.dossier("9.000001")]

    listed = {item["id"]: item["fee"] for item in portal.get("/v1/submissions").json()["data"]}

    assert listed == {dossier: fee_of(portal, dossier) for dossier in dossiers}


def test_the_picture_says_what_the_text_says(portal: Caller, cashier: Cashier) -> None:
    dossier = cashier.dossier()
    text = fee_of(portal, dossier)["qr"]
    modules = [[bool(module) for module in row] for row in segno.make(text, error="m", micro=False).matrix]

    png = portal.get(f"/v1/submissions/{dossier}/payment.png")
    svg = portal.get(f"/v1/submissions/{dossier}/payment.svg")

    assert (png.headers["Content-Type"], png.headers["Cache-Control"]) == ("image/png", "no-store")
    assert modules_of(png.content) == modules
    assert svg.headers["Content-Type"] == "image/svg+xml"
    assert etree.fromstring(svg.content).tag == "{http://www.w3.org/2000/svg}svg"


def modules_of(png: bytes) -> list[list[bool]]:
    """Dark or light, module by module, without the quiet zone of four: of a black-and-white PNG with 8 pixels each."""
    width, height, depth = struct.unpack(">IIB", png[16:25])
    assert (depth, width) == (1, height)
    at, packed = 8, b""
    while at < len(png):
        size = int.from_bytes(png[at : at + 4])
        packed += png[at + 8 : at + 8 + size] if png[at + 4 : at + 8] == b"IDAT" else b""
        at += size + 12
    rows, stride = zlib.decompress(packed), (width + 7) // 8 + 1
    line = [rows[y * stride + 1 : (y + 1) * stride] for y in range(0, height, 8)]
    dark = [[not row[x] >> 7 for x in range(width // 8)] for row in line]
    return [row[4:-4] for row in dark[4:-4]]


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_nothing_is_drawn_where_nothing_is_to_be_paid(portal: Caller, cashier: Cashier, kind: str) -> None:
    dossier = cashier.dossier()
    assert portal.get(f"/v1/submissions/{dossier}/payment.{kind}").status_code == 200
    cashier.pays(dossier, 150_000)

    assert portal.get(f"/v1/submissions/{dossier}/payment.{kind}").status_code == 404
    assert portal.get(f"/v1/submissions/sub_nothing/payment.{kind}").status_code == 404


def test_the_picture_is_guarded_as_the_submission_is(api: ApiCaller, portal: Caller, cashier: Cashier) -> None:
    dossier = cashier.dossier()

    for path in (f"/v1/submissions/{dossier}", f"/v1/submissions/{dossier}/payment.svg"):
        assert requests.get(portal.url + path, timeout=5).status_code == 401


def test_an_exemption_that_the_procedure_does_not_have_is_refused_at_the_endpoint(
    api: ApiCaller, portal: Caller
) -> None:
    submission = a_submission(procedure=PAY_FIRST, exemption="ho-ngheo")

    expect(api, portal.submit(submission), 422, "content-invalid", "/exemption")
