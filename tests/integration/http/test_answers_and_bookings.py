"""What a provider hears and what is booked never disagree: nothing is credited that was answered with a no."""

import itertools
from collections.abc import Callable, Iterator
from typing import Final

import pytest
from requests import Response

from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, red
from tests.integration.http.caller import ApiCaller
from tests.integration.http.teller import BANKS, Teller, count
from tests.notices import NoticeDraft

FORMS: Final[dict[str, Callable[[str, str], str]]] = {
    "as it was given": lambda one, _: one,
    "with a number behind it": lambda one, _: f"{one}-1",
    "among words": lambda one, _: f"HD 7 {one}",
    "two of them": lambda one, other: f"{one}-{other}",
    "without its last digit": lambda one, _: one[:-1],
    "nobody's": lambda _, __: "HC000000000182",
}
STATUSES: Final = ("issued", "paid", "expired")


def yes(answer: Response) -> bool:
    """The provider has heard that its money is taken."""
    reply = answer.json() if answer.content else {}
    return answer.ok and reply.get("RspCode", "00") == "00"


def demanded(cashier: Cashier, status: str) -> tuple[str, str]:
    """A demand that stands so: its id and its reference."""
    demand = cashier.demand(cashier.dossier())
    with cashier.hub.db.connection() as conn:
        conn.execute(
            "UPDATE fee_demand SET status = %(status)s, (allocated, confirmed) = (SELECT came, came FROM (SELECT CASE"
            " %(status)s WHEN 'paid' THEN amount_due ELSE 0 END AS came) AS paid) WHERE id = %(id)s",
            {"status": status, "id": demand["id"]},
        )
    return str(demand["id"]), str(demand["reference"])


@pytest.mark.parametrize("bank", sorted(BANKS))
def test_what_is_credited_was_answered_with_yes_and_what_was_is_kept(own_api: ApiCaller, bank: str) -> None:
    cashier, teller, numbers = Cashier(own_api.hub), Teller(own_api, bank), itertools.count(1)
    _, other = demanded(cashier, "issued")
    heard: set[tuple[bool, bool]] = set()

    for form, amount, status in _notices(bank):
        demand, reference = demanded(cashier, status)
        txn = str(next(numbers))
        answer = teller.tells(NoticeDraft(reference=FORMS[form](reference, other), amount=amount, txn=txn))
        own_api.hub.carry()

        credited = own_api.hub.rows("SELECT 1 AS x FROM fee_credit WHERE demand_id = %s", demand) != []
        assert yes(answer) or not credited, (form, amount, status, answer.content)
        assert count(own_api, "notify_event") == int(txn), "whatever it heard, it is kept"
        heard.add((yes(answer), credited))
    own_api.hub.sweep()
    own_api.hub.carry()

    assert ((True, False) in heard) == (bank != "vnpay-t"), "it asks at once"
    assert ((True, True) in heard) == (bank != "keypay-t"), "what is not signed to have succeeded waits"
    assert ((False, False) in heard) == (bank == "vnpay-t")
    notified = "SELECT count(*)::int AS n FROM payment WHERE source = 'notification'"
    assert own_api.hub.rows(notified)[0]["n"] == count(own_api, "notify_event"), "and its money is somewhere"


def _notices(bank: str) -> Iterator[tuple[str, int, str]]:
    for form in FORMS:
        yield form, DUE, "issued"
    for amount, status in itertools.product((DUE - 1, DUE, DUE + 1), STATUSES):
        yield "with a number behind it" if bank == "vnpay-t" else "as it was given", amount, status


def test_what_was_answered_with_no_is_not_credited_though_it_could_be_by_now(own_api: ApiCaller) -> None:
    """Between the answer and the booking the demand was opened again."""
    cashier = Cashier(own_api.hub)
    demand, reference = demanded(cashier, "expired")
    assert Teller(own_api, "vnpay-t").tells(NoticeDraft(reference=reference)).json()["RspCode"] == "02"
    with own_api.hub.db.connection() as conn:
        conn.execute("UPDATE fee_demand SET status = 'issued', expires_at = now() + interval '1 day'")
    own_api.hub.carry()

    assert own_api.hub.rows("SELECT 1 AS x FROM fee_credit WHERE demand_id = %s", demand) == []
    [case] = own_api.hub.rows("SELECT code, facts FROM fee_exception")
    assert (case["code"], case["facts"]["answered"], case["facts"]["references"]) == ("R01", "final", [reference])
    assert red(own_api.hub) == []


@pytest.mark.parametrize("bank", ["vnpay-t", "momo-t"])
def test_two_attempts_that_failed_without_a_number_are_two(own_api: ApiCaller, bank: str) -> None:
    teller = Teller(own_api, bank)
    for at in (1, 2):
        failed = NoticeDraft(reference=f"HC00000000018{at}", failed=True, txn="0")
        answers = [teller.tells(failed), teller.tells(failed)]
        assert [answer.content for answer in answers] == [answers[0].content] * 2
        assert all(answer.ok for answer in answers)
    own_api.hub.carry()

    assert (count(own_api, "notify_event"), count(own_api, "fee_exception")) == (2, 0)
