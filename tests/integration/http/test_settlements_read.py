"""What a department is shown of its months: what it has been handed, sealed, and who opened it is written down."""

import base64
import ssl
from datetime import date
from urllib.parse import quote, unquote

import pytest

from hub.fees.ledger import Share
from hub.fees.settlements import answers
from schemas import strict
from schemas.settlement import SettlementTable
from tests.bank_files import ago
from tests.integration.fees.settling import OCTOBER, SettlementOffice
from tests.integration.http.caller import PROXY_SECRET, ApiCaller, Caller, as_json, certificate_of

PATH = "/v1/departments/rest-a/settlements"
DAY = date(2026, 10, 5)


@pytest.fixture
def office(api: ApiCaller) -> SettlementOffice:
    """October of two departments, computed."""
    office = SettlementOffice(api.hub)
    office.paid(DAY, Share("rest-a", "phi", 120_000), Share("rest-a", "le-phi", 30_000))
    office.paid(DAY, Share("rest-b", "phi", 70_000))
    office.closes(OCTOBER)
    return office


def hand_over(office: SettlementOffice, code: str) -> str:
    """Send the department its table; it takes it. The settlement's id."""
    settlement = office.settlement(code)
    office.act(lambda uow: answers.send(uow, settlement.id))
    return settlement.id


def openings(api: ApiCaller, settlement: str) -> list[str]:
    rows = api.hub.rows("SELECT actor FROM audit_log WHERE subject = %s AND action = 'settlement_opened'", settlement)
    return [row["actor"] for row in rows]


def test_a_table_is_shown_once_it_has_been_handed_over(
    api: ApiCaller, rest_a: Caller, office: SettlementOffice
) -> None:
    before, waiting = rest_a.get(PATH), rest_a.get(f"{PATH}/{office.settlement('rest-a').id}")
    settlement = hand_over(office, "rest-a")

    [shown] = rest_a.get(PATH).json()["data"]

    assert (before.json(), waiting.status_code) == ({"data": []}, 404)
    assert (shown["settlement_id"], shown["month"], shown["state"], shown["net"]) == (
        settlement,
        "2026-10",
        "notified",
        150_000,
    )


def test_what_is_opened_is_what_was_sealed_and_handed_over(
    api: ApiCaller, rest_a: Caller, office: SettlementOffice
) -> None:
    settlement = hand_over(office, "rest-a")

    shown = rest_a.get(f"{PATH}/{settlement}").json()

    handed, key = api.hub.department("rest-a").tables[-1]
    assert (shown["table"], shown["signature"], key) == (handed.table, handed.signature, settlement)
    table = strict.read(SettlementTable, base64.b64decode(shown["table"]))
    assert (table.department, table.net, len(table.lines)) == ("rest-a", shown["net"], 2)


def test_every_opening_is_recorded_and_a_look_at_the_list_is_none(
    api: ApiCaller, rest_a: Caller, office: SettlementOffice
) -> None:
    settlement = hand_over(office, "rest-a")

    rest_a.get(PATH)
    assert openings(api, settlement) == []
    rest_a.get(f"{PATH}/{settlement}")
    rest_a.get(f"{PATH}/{settlement}")

    assert openings(api, settlement) == ["department.rest-a", "department.rest-a"]


def test_nobody_opens_the_table_of_another(
    api: ApiCaller, rest_a: Caller, portal: Caller, office: SettlementOffice
) -> None:
    hand_over(office, "rest-a")
    others = hand_over(office, "rest-b")

    answers = [
        rest_a.get(f"{PATH}/{others}"),
        rest_a.get(f"/v1/departments/rest-b/settlements/{others}"),
        portal.get(f"{PATH}/{office.settlement('rest-a').id}"),
        rest_a.get(f"{PATH}/sm_x"),
        rest_a.get("/v1/departments/soap-b/settlements"),
    ]

    assert [answer.status_code for answer in answers] == [404, 401, 401, 404, 404]
    assert openings(api, others) == []


def test_a_department_known_by_its_certificate_opens_its_own(
    api: ApiCaller, rest_a: Caller, office: SettlementOffice
) -> None:
    others = hand_over(office, "rest-b")
    shown = {"X-Client-Cert": certificate_of("rest-b").escaped, "X-Proxy-Secret": PROXY_SECRET}

    answer = rest_a.session.get(f"{api.url}/v1/departments/rest-b/settlements/{others}", headers=shown, timeout=20)

    assert (answer.status_code, answer.json()["net"]) == (200, 70_000)
    assert openings(api, others) == ["department.rest-b"]


def of_an_unknown_version(owner: str) -> str:
    """As the proxy hands it over: a certificate of X.509 version 8."""
    readable = ssl.PEM_cert_to_DER_cert(unquote(certificate_of(owner).escaped))
    return quote(
        ssl.DER_cert_to_PEM_cert(readable.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07", 1)), safe=""
    )


@pytest.mark.parametrize("header", ["", "not a certificate", of_an_unknown_version("rest-b")])
def test_a_certificate_that_cannot_be_read_is_nobodys(api: ApiCaller, rest_a: Caller, header: str) -> None:
    shown = {"X-Client-Cert": header, "X-Proxy-Secret": PROXY_SECRET}
    answer = rest_a.session.get(f"{api.url}/v1/departments/rest-b/settlements", headers=shown, timeout=20)
    assert answer.status_code == 401


def test_an_answer_that_was_posted_is_read_back(api: ApiCaller, rest_a: Caller, office: SettlementOffice) -> None:
    settlement = hand_over(office, "rest-a")
    shown = rest_a.get(f"{PATH}/{settlement}").json()
    table = strict.read(SettlementTable, base64.b64decode(shown["table"]))
    [line] = [line for line in table.lines if line.amount == 30_000]
    answer = {
        "answer_id": "TL-2026-10",
        "settlement_id": settlement,
        "sha256": shown["sha256"],
        "verdict": "disputed",
        "lines": [{"number": line.number, "reason": "không có hồ sơ này"}],
        "answered_by": "Phòng Kế hoạch - Tài chính",
        "answered_at": f"{ago(0)}T08:00:00+07:00",
    }

    rest_a.call("POST", "/v1/departments/rest-a/settlement-answers", as_json(answer))
    api.hub.carry()

    after = rest_a.get(f"{PATH}/{settlement}").json()
    assert (after["state"], after["disputed"], after["answer_id"]) == ("disputed", 30_000, "TL-2026-10")
    assert (after["table"], after["sha256"]) == (shown["table"], shown["sha256"])
