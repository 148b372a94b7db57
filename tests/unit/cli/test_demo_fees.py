"""The demo's fees: who pays how, and that the equation notices every đồng that is not where it should be."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from typing_extensions import override

from config.catalogue import Catalogue, Pay, load
from config.settings import PACKAGED
from hub.cli.demo.payers import Banks, PaidDemand, Payers
from hub.cli.demo.portal import SubmissionStatus
from hub.cli.demo.reckoning import OPEN, Reckoning
from hub.cli.demo.trials import TROUBLES, PaymentScenario, trials
from hub.fees.demands.payer_notice import PayerTransfer, encode
from tests.catalogue_secrets import generated

DAY = date(2026, 11, 24)
EVENING = Reckoning(
    demanded=4_150_000,
    notified=3_300_000,
    booked=3_195_000,
    allocated=2_375_000,
    demand_exceptions={"later": -550_000, "short": -75_000, "unpaid": -1_000_000, "reopened": -150_000},
    notification_exceptions={
        "over": -50_000,
        "twice": -150_000,
        "unknown": -1_000_000,
        "lost": 50_000,
        "taken_back": -75_000,
    }
    | {"cash": 300_000},
    bank_exceptions={"over": -50_000, "twice": -150_000, "unknown": -1_000_000, "charges": 80_000, "held": 300_000},
    cases=[{"id": f"ex_{code}", "code": code} for code in ("R01", "R03", "R04", "R05", "N02")],
)
"""A day with one of each trouble, and everything where it should be."""
SETTLED = Reckoning(
    demanded=4_150_000,
    notified=3_450_000,
    booked=3_120_000,
    allocated=3_200_000,
    demand_exceptions={"later": -950_000},
    notification_exceptions={"lost": 50_000, "taken_back": -100_000, "refunded": -200_000},
    bank_exceptions={"charges": 80_000},
    cases=[],
)


@pytest.fixture(scope="module")
def packaged() -> Catalogue:
    return load(PACKAGED, generated(PACKAGED).hub)


@pytest.mark.parametrize("count", [200, 30])
def test_whoever_pays_first_pays_and_each_trouble_happens(packaged: Catalogue, count: int) -> None:
    trials_of_the_day = trials(packaged, DAY, 0, count)
    first = [trial for trial in trials_of_the_day if packaged.procedures[trial.submission.procedure].pay is Pay.FIRST]

    assert [trial.code for trial in trials_of_the_day if trial.way is not None] == [trial.code for trial in first]
    ways = Counter(trial.way for trial in first)
    assert {way: ways[way] for way in TROUBLES} == Counter(TROUBLES)
    assert ways[PaymentScenario.EXACT] == len(first) - len(TROUBLES) > 0


def test_troubles_go_to_ordinary_dossiers_and_nobody_pays_for_what_is_refused(packaged: Catalogue) -> None:
    trials_of_the_day = trials(packaged, DAY, 0, 200)
    assert {trial.behaviour.suffix for trial in trials_of_the_day if trial.way in TROUBLES} == {""}
    assert {trial.way for trial in trials_of_the_day if trial.behaviour.transfer == "refused"} == {None}


def test_a_day_with_every_trouble_adds_up_and_each_is_listed() -> None:
    assert (list(EVENING.off), list(EVENING.unlisted)) == ([], [])
    assert (list(SETTLED.off), list(SETTLED.unsettled)) == ([], [])


@pytest.mark.parametrize("side", ["demanded", "notified", "booked"])
def test_one_dong_too_many_is_noticed_on_every_side(side: str) -> None:
    [finding] = replace(EVENING, **{side: getattr(EVENING, side) + 1}).off
    assert side in finding
    assert "1 VND off" in finding


def test_a_dong_that_counts_for_a_dossier_and_never_came_is_noticed() -> None:
    assert len(list(replace(EVENING, allocated=EVENING.allocated + 1).off)) == 3


@pytest.mark.parametrize("code", ["R01", "R03", "R04", "R05", "N02"])
def test_a_trouble_without_a_case_is_noticed(code: str) -> None:
    cases = [case for case in EVENING.cases if case["code"] != code]
    assert all(code in finding for finding in replace(EVENING, cases=cases).unlisted)
    assert list(replace(EVENING, cases=cases).unlisted)


def test_a_trouble_that_did_not_happen_is_noticed() -> None:
    notified = {name: amount for name, amount in EVENING.notification_exceptions.items() if name != "lost"}
    assert [finding for finding in replace(EVENING, notification_exceptions=notified).unlisted if "lost" in finding]


@pytest.mark.parametrize("exception", OPEN)
def test_what_is_still_open_after_all_was_settled_is_noticed(exception: str) -> None:
    demand_exceptions = {**SETTLED.demand_exceptions, exception: -1}
    settled = replace(SETTLED, demand_exceptions=demand_exceptions, cases=[{"id": "ex_1", "code": "R01"}])
    first, second = settled.unsettled
    assert exception in first
    assert "ex_1" in second


class RecordingBanks(Banks):
    """Banks that only write down what they are asked for."""

    def __init__(self) -> None:
        self.own, self.channels = "bank", ["bank", "gateway"]
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    @override
    def ask(self, bank: str, what: str, form: Mapping[str, Any]) -> Any:
        self.asked.append((bank, what, dict(form)))
        return [{"txn": "1", "ref": "FT1", "amount": form["amount"], "answers": [200]}]


def standing(code: str = "H") -> SubmissionStatus:
    qr = encode(PayerTransfer(bin="970418", account="1020304050607", amount=150_000, purpose="HC000000000149"))
    return SubmissionStatus("sub_1", code, "awaiting_fee", 2, {"qr": qr})


@pytest.mark.parametrize(
    ("way", "amount", "behaviour"),
    [
        (PaymentScenario.EXACT, 150_000, ""),
        (PaymentScenario.SHORT, 50_000, ""),
        (PaymentScenario.OVER, 200_000, ""),
        (PaymentScenario.TWICE, 150_000, "twice"),
        (PaymentScenario.UNREADABLE, 150_000, "cut-words"),
        (PaymentScenario.TAKEN_BACK, 150_000, "taken-back"),
        (PaymentScenario.LOST, 150_000, "lost"),
    ],
)
def test_a_payer_does_what_the_qr_says_or_errs_in_one_way(way: PaymentScenario, amount: int, behaviour: str) -> None:
    banks = RecordingBanks()
    payers = Payers(banks, {"H": way})
    payers.look(standing())
    payers.look(standing())

    transfer = {"amount": amount, "reference": "HC000000000149", "account": "1020304050607", "behaviour": behaviour}
    assert banks.asked == [("bank", "transfers", transfer)]
    assert payers.payments == [PaidDemand("H", way, "bank", "1", "FT1", amount, notified=True)]
    assert payers.waiting == set()
