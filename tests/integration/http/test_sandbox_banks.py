"""The sandbox's banks against the hub's real API: the hub reacts to each behaviour as their tables say."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.banks.notifications.dialect import NotificationVerdict
from connectors.sandbox.bank_behaviours import (
    ORDER_BEHAVIOURS,
    PAYOUT_BEHAVIOURS,
    STATEMENT_BEHAVIOURS,
    TRANSFER_BEHAVIOURS,
    BankOrderBehaviour,
    Booked,
    StatementBehaviour,
    StatementFault,
    TransferBehaviour,
)
from hub.http.banks import CODES
from tests.bank_town import BANK, BankTown, town
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, red
from tests.integration.http.caller import ApiCaller
from tests.integration.http.teller import BANKS

GATEWAYS = ["vnpay-t", "national-t", "keypay-t", "momo-t"]
WATCHERS = ["payos-t", "casso-t", "sepay-t"]
TOLD_AND_WRITTEN = [
    *((BANK, format_) for format_ in ("camt", "mt940", "csv", "xlsx")),
    *((bank, "camt") for bank in WATCHERS),
]


@pytest.fixture
def place(api: ApiCaller, tmp_path: Path) -> Iterator[BankTown]:
    with town(api.hub, tmp_path) as opened:
        yield opened


@pytest.fixture
def cashier(place: BankTown) -> Cashier:
    return Cashier(place.hub)


def a_demand(cashier: Cashier) -> tuple[str, str]:
    dossier = cashier.dossier()
    return dossier, str(cashier.demand(dossier)["reference"])


def codes_raised(place: BankTown) -> set[str]:
    """Every code of an open exception, of a notification's verdict or of a refused request."""
    cases = place.hub.rows("SELECT DISTINCT code FROM fee_exception WHERE state <> 'resolved'")
    verdicts = place.hub.rows("SELECT DISTINCT code FROM notify_verdict WHERE code IS NOT NULL")
    refused = place.hub.rows("SELECT DISTINCT reason FROM rejected_request")
    return {row["code"] for row in (*cases, *verdicts)} | {CODES[NotificationVerdict(row["reason"])] for row in refused}


def booked(place: BankTown) -> int:
    """What the hub's own book has on the account."""
    [row] = place.hub.rows("SELECT coalesce(sum(dr - cr), 0)::bigint AS net FROM ledger_line WHERE account = '111'")
    return int(row["net"])


@pytest.mark.parametrize("bank", sorted(BANKS))
def test_every_dialect_is_accepted_by_its_endpoint(place: BankTown, cashier: Cashier, bank: str) -> None:
    dossier, reference = a_demand(cashier)
    [done] = place.pays(reference, DUE, bank)

    assert done["answers"] in ([200], [204])
    status = "issued" if bank == "keypay-t" else "paid_unconfirmed"
    assert cashier.demand(dossier)["status"] == status, "KeyPay does not sign that it succeeded"
    assert [notice["status"] for notice in place.seen("told", bank)] == done["answers"]


@pytest.mark.parametrize(("bank", "format_"), TOLD_AND_WRITTEN)
def test_what_was_told_is_confirmed_by_a_statement_of_every_format(
    place: BankTown, cashier: Cashier, bank: str, format_: str
) -> None:
    dossier, reference = a_demand(cashier)
    place.pays(reference, DUE, bank)
    laid_out = place.lays_out(format=format_)
    [result] = place.fetches()

    assert result.is_accepted, result.findings
    assert (laid_out["opening"], laid_out["closing"], laid_out["lines"]) == (0, DUE, 1)
    assert cashier.demand(dossier)["status"] == "paid"
    assert booked(place) == place.balance() == DUE
    assert red(place.hub) == []


@pytest.mark.parametrize("gateway", GATEWAYS)
@pytest.mark.parametrize("behaviour", PAYOUT_BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_a_gateway_pays_out_what_it_collected_less_its_charge(
    place: BankTown, cashier: Cashier, gateway: str, behaviour: BankOrderBehaviour
) -> None:
    demands = [a_demand(cashier) for _ in range(3)]
    for _, reference in demands:
        place.pays(reference, DUE, gateway)
    report = place.asks("payouts", gateway, charge_bp=100, behaviour=behaviour.name)
    place.brings(report)
    place.lays_out()
    place.fetches()

    net = 3 * (DUE - DUE // 100)
    assert booked(place) == place.balance() == (net if not behaviour.case else net - 1_000)
    statuses = {cashier.demand(dossier)["status"] for dossier, _ in demands}
    # Without a signed success nothing was booked when it was notified, so a payout has nothing to confirm.
    if gateway != "keypay-t":
        assert statuses == ({"paid"} if not behaviour.case else {"paid_unconfirmed"})
        assert codes_raised(place) - {"N02"} == ({behaviour.case} if behaviour.case else set())
        assert red(place.hub) == []


@pytest.mark.parametrize("behaviour", TRANSFER_BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_a_transfers_behaviour_ends_as_the_table_says(
    place: BankTown, cashier: Cashier, behaviour: TransferBehaviour
) -> None:
    _, reference = a_demand(cashier)
    place.pays(reference, DUE, behaviour=behaviour.name, words=f"{reference} nop phi ho so")
    place.lays_out()
    [result] = place.fetches()

    assert result.is_accepted, result.findings
    today = sum(entry["amount"] for entry in place.seen("book") if entry["day"] == result.summary[0]["to"])
    assert booked(place) == today == {Booked.ONCE: DUE, Booked.TWICE: 2 * DUE}.get(behaviour.booked, 0)
    if behaviour.case == "N01":
        assert codes_raised(place) == set(), "it is overdue on the next working day"
    elif behaviour.case:
        assert behaviour.case in codes_raised(place) or behaviour.name == "taken-back"
    else:
        assert codes_raised(place) == set()
    assert red(place.hub) == []


def test_what_the_bank_takes_back_is_to_be_paid_again(place: BankTown, cashier: Cashier) -> None:
    dossier, reference = a_demand(cashier)
    [done] = place.pays(reference, DUE)
    place.lays_out()
    place.fetches()
    place.asks("reversals", ref=done["ref"])
    place.lays_out()
    place.fetches()

    assert cashier.demand(dossier)["status"] == "reopened"
    assert booked(place) == place.balance() == 0
    assert red(place.hub) == []


def test_told_late_it_is_the_payment_that_the_statement_has_made(place: BankTown, cashier: Cashier) -> None:
    dossier, reference = a_demand(cashier)
    place.pays(reference, DUE, behaviour="late")
    place.lays_out()
    place.fetches()
    assert place.asks("tell") == {"told": 1}
    assert place.asks("tell") == {"told": 0}
    place.hub.carry()

    assert cashier.demand(dossier)["status"] == "paid"
    assert len(place.hub.rows("SELECT id FROM payment")) == 1
    assert red(place.hub) == []


@pytest.mark.parametrize("behaviour", STATEMENT_BEHAVIOURS, ids=lambda behaviour: behaviour.fault.value)
def test_a_statements_fault_is_found_and_nothing_of_it_is_posted(
    place: BankTown, cashier: Cashier, behaviour: StatementBehaviour
) -> None:
    for day in range(2):
        place.pays(a_demand(cashier)[1], DUE + day, behaviour="lost")
        if day == 0:
            place.lays_out()
            place.fetches()
    before = booked(place)
    place.lays_out(behaviour=behaviour.fault)
    if behaviour.fault is StatementFault.WITHHELD:
        assert place.fetches() == []
        place.pays(a_demand(cashier)[1], DUE, behaviour="lost")
        place.lays_out()
    [result] = place.fetches()

    codes = {finding["code"] for finding in result.findings}
    if behaviour.fault is StatementFault.AGAIN:
        assert (result.repeated, booked(place)) == (True, before)
    elif behaviour.fault is StatementFault.NONE:
        assert (result.is_accepted, booked(place)) == (True, place.balance())
    else:
        assert (behaviour.case in codes, result.is_accepted, booked(place)) == (True, False, before), codes
    if behaviour.fault is StatementFault.WITHHELD:
        assert len(place.asks("release")["released"]) == 1
        place.fetches()
        assert booked(place) == place.balance()
    assert red(place.hub) == []


@pytest.mark.parametrize("behaviour", ORDER_BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_the_bank_executes_an_order_of_ours_once(
    place: BankTown, cashier: Cashier, behaviour: BankOrderBehaviour
) -> None:
    place.pays(a_demand(cashier)[1], DUE)
    order: dict[str, Any] = {
        "reference": "LC000000000147",
        "amount": 50_000,
        "words": "HOAN PHI",
        "behaviour": behaviour.name,
    }
    entries = place.asks("orders", **order)

    moved = {"executed": [-50_000], "other-amount": [-51_000], "returned": [-50_000, 50_000], "never": []}[
        behaviour.name
    ]
    assert [entry["amount"] for entry in entries] == moved
    assert place.balance() == DUE + sum(moved)
    assert all("LC000000000147" in entry["words"] for entry in entries)
    if moved:
        assert place.refuses("orders", **order) == ["LC000000000147 was executed before"]
        assert place.balance() == DUE + sum(moved)


def test_what_a_bank_does_not_do_it_says(place: BankTown) -> None:
    assert "behaviour" in place.refuses("transfers", amount=1, reference="X", behaviour="no-such-behaviour")[0]
    assert "account" in place.refuses("transfers", amount=1, account="0000")[0]
    assert place.refuses("transfers", amount=0) == ["/amount greater_than"]
    assert "collects nothing" in place.refuses("payouts")[0]
    assert "no bank of ours" in place.refuses("statements", "vnpay-t")[0]
    assert "no credit" in place.refuses("reversals", ref="FT1")[0]


def test_the_banks_book_is_there_after_a_restart(api: ApiCaller, tmp_path: Path) -> None:
    with town(api.hub, tmp_path) as before:
        before.pays("HC000000000149", DUE, behaviour="lost")
        before.lays_out()
        files = [result.name for result in before.fetches()]
    with town(api.hub, tmp_path) as after:
        after.pays("HC000000000149", 7_000, behaviour="lost")
        laid_out = after.lays_out()
        assert after.balance() == DUE + 7_000
        assert (laid_out["opening"], laid_out["closing"], laid_out["lines"]) == (DUE, DUE + 7_000, 1)
        assert [result.name for result in after.fetches()] == [*files, laid_out["name"]]
        assert len({entry["ref"] for entry in after.seen("book")}) == 2


def test_all_notifications_of_a_day_can_be_lost(place: BankTown, cashier: Cashier) -> None:
    dossier, reference = a_demand(cashier)
    place.running.turn(f"bank.{BANK}", lose_notifications=True)
    [done] = place.pays(reference, DUE)
    assert (done["answers"], cashier.demand(dossier)["status"]) == ([], "issued")
    place.lays_out()
    place.fetches()
    assert cashier.demand(dossier)["status"] == "paid"
