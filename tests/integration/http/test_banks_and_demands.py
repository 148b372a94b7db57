"""Notifications and demands: one payment however often it is notified, and what a provider is told of an order."""

from concurrent.futures import ThreadPoolExecutor

import requests

from tests.integration.fees.conftest import Cashier
from tests.integration.http.caller import ApiCaller
from tests.integration.http.teller import Teller, count, verdicts
from tests.notices import NoticeDraft


def test_a_thousand_deliveries_at_once_are_one_event_one_payment_one_posting_and_one_answer(
    own_api: ApiCaller,
) -> None:
    """W3."""
    cashier = Cashier(own_api.hub)
    reference = cashier.demand(cashier.dossier())["reference"]
    teller = Teller(own_api, "vnpay-t")
    sent = teller.request(NoticeDraft(reference=reference))

    with ThreadPoolExecutor(24) as pool:
        sessions = [requests.Session() for _ in range(24)]
        answers = list(pool.map(lambda number: teller.tells(sent, sessions[number % 24]), range(1000)))
    own_api.hub.carry()
    own_api.hub.sweep()
    own_api.hub.carry()

    assert {(answer.status_code, answer.content) for answer in answers} == {
        (200, b'{"RspCode":"00","Message":"Confirm Success"}')
    }
    assert {table: count(own_api, table) for table in ("notify_delivery", "notify_event", "payment", "fee_credit")} == {
        "notify_delivery": 1000,
        "notify_event": 1,
        "payment": 1,
        "fee_credit": 1,
    }
    assert len(own_api.hub.rows("SELECT seq FROM ledger_entry WHERE source_type = 'payment'")) == 1
    verdicts_given = verdicts(own_api)
    assert (verdicts_given.count(("accepted", None)), verdicts_given.count(("repeated", None))) == (1, 999)


def test_vnpay_is_told_whether_the_order_exists_its_amount_and_whether_it_is_final(own_api: ApiCaller) -> None:
    """W7: signature, order, amount, not final yet. Each is kept; a payment that nobody knows is a case."""
    cashier = Cashier(own_api.hub)
    reference = cashier.demand(cashier.dossier())["reference"]
    teller = Teller(own_api, "vnpay-t")

    def tells(notice: NoticeDraft) -> str:
        code = str(teller.tells(notice).json()["RspCode"])
        own_api.hub.carry()
        return code

    assert tells(NoticeDraft(reference="HC000000000182", txn="1")) == "01"
    assert tells(NoticeDraft(reference=reference, amount=149_999, txn="2", failed=True)) == "04"
    assert tells(NoticeDraft(reference=reference, txn="3", failed=True)) == "00"
    assert tells(NoticeDraft(reference=reference, txn="4")) == "00"
    assert tells(NoticeDraft(reference=reference, txn="5")) == "02"
    assert tells(NoticeDraft(reference=reference, txn="4")) == "00"

    assert count(own_api, "notify_event") == 5
    cases = own_api.hub.rows("SELECT code FROM fee_exception ORDER BY code")
    assert [case["code"] for case in cases] == ["R01", "R03"]


def test_a_browser_that_comes_back_pays_nothing(own_api: ApiCaller) -> None:
    """W11: what the return URL carries lands elsewhere, and at the endpoint of another provider it is noise."""
    cashier = Cashier(own_api.hub)
    dossier = cashier.dossier()
    query = Teller(own_api, "vnpay-t").request(NoticeDraft(reference=cashier.demand(dossier)["reference"])).query
    for path in (
        "/",
        f"/v1/submissions/{dossier}",
        "/v1/banks/sepay-t/notifications",
        "/v1/banks/bank-b/notifications",
    ):
        assert requests.Session().get(f"{own_api.url}{path}?{query.decode()}", timeout=10).status_code in (401, 404)
    own_api.hub.carry()
    assert (cashier.demand(dossier)["status"], count(own_api, "notify_event")) == ("issued", 0)


def test_who_did_not_hear_the_answer_hears_the_same_when_he_asks_again(own_api: ApiCaller) -> None:
    """W14: everything was committed, and the answer was lost; by the next time the demand is paid."""
    cashier = Cashier(own_api.hub)
    dossier = cashier.dossier()
    notice = NoticeDraft(reference=cashier.demand(dossier)["reference"])
    teller = Teller(own_api, "vnpay-t")
    first = teller.tells(notice)
    own_api.hub.carry()
    again = teller.tells(notice)

    assert cashier.demand(dossier)["status"] == "paid_unconfirmed"
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.json()["RspCode"] == "00"
    assert verdicts(own_api) == [("accepted", None), ("repeated", None)]
    assert count(own_api, "payment") == 1
