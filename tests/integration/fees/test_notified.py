"""What a notification does: a payment that counts for the demand it names, once; or a case for a person."""

from datetime import datetime
from typing import Any

import pytest

from hub.clock import VIETNAM, local, now
from hub.fees.demands import demand_commands
from schemas.payment_reference import PaymentReference
from tests.integration.fees.booking import CLOSE
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.telling import ACCOUNT, AT, DUE, OTHER_ACCOUNT, NotifyingProvider


def test_an_authenticated_notification_releases_the_dossier(
    cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    txn = provider.tells(f"MBVCB.3278907687.{reference}.nop phi", bank_ref="FT1")

    payment = provider.payment(txn)
    assert (payment["status"], payment["amount"], payment["allocated"]) == ("notified", DUE, DUE)
    assert (payment["reference"], payment["bank_ref"], payment["account"]) == (reference, "FT1", ACCOUNT)
    assert (payment["paid_at"], payment["business_date"]) == (AT, AT.date())
    assert cashier.demand(dossier)["status"] == "paid_unconfirmed"
    assert cashier.handed(dossier)
    assert provider.book() == {"112": DUE, "331": -DUE}
    assert provider.cases() == []


def test_the_day_is_that_of_vietnam(provider: NotifyingProvider, reference: str) -> None:
    txn = provider.tells(reference, paid_at=datetime(2026, 11, 2, 0, 0, 1, tzinfo=VIETNAM))
    assert str(provider.payment(txn)["business_date"]) == "2026-11-02"


def test_where_the_provider_tells_no_time_it_is_that_of_the_message(
    provider: NotifyingProvider, reference: str
) -> None:
    txn = provider.tells(reference, paid_at=None)
    payment = provider.payment(txn)
    assert payment["business_date"] == local(payment["paid_at"]).date()
    assert abs((payment["paid_at"] - now()).total_seconds()) < 60


def test_a_reference_that_we_gave_the_provider_goes_before_the_payers_words(
    cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    another = cashier.demand(cashier.dossier())["reference"]
    provider.tells(f"nop ho {another}", reference=reference)
    assert cashier.demand(dossier)["status"] == "paid_unconfirmed"
    assert provider.cases() == []


@pytest.mark.parametrize(
    ("amount", "code", "about", "at_risk", "status", "book"),
    [
        (DUE - 1, "R04", "fee_demand", DUE - 1, "part_paid", {"112": DUE - 1, "331": 1 - DUE}),
        (DUE + 1, "R05", "payment", 1, "paid_unconfirmed", {"112": DUE + 1, "331": -DUE, "339": -1}),
    ],
)
def test_another_amount_counts_as_far_as_it_goes_and_is_a_case(
    cashier: Cashier,
    provider: NotifyingProvider,
    dossier: str,
    reference: str,
    amount: int,
    code: str,
    about: str,
    at_risk: int,
    status: str,
    book: dict[str, int],
) -> None:
    txn = provider.tells(reference, amount=amount)

    assert cashier.demand(dossier)["status"] == status
    subject = cashier.demand(dossier)["id"] if about == "fee_demand" else provider.payment(txn)["id"]
    assert provider.cases() == [(code, about, subject, at_risk)]
    assert provider.book() == book


def test_a_second_whole_payment_is_a_duplicate_and_owed_back(provider: NotifyingProvider, reference: str) -> None:
    """W7: already paid."""
    provider.tells(reference)
    second = provider.tells(reference)

    assert provider.cases() == [("R03", "payment", provider.payment(second)["id"], DUE)]
    assert provider.payment(second)["allocated"] == 0
    assert provider.book() == {"112": 2 * DUE, "331": -DUE, "339": -DUE}


def test_money_without_a_reference_is_unidentified(provider: NotifyingProvider, dossier: str) -> None:
    """W7: unknown reference. The amount is right, and that says nothing."""
    txns = [provider.tells(text) for text in ("nop phi", "HC000000000182", "HC123456789012")]

    assert [case[:3] for case in provider.cases()] == [("R01", "payment", provider.payment(txn)["id"]) for txn in txns]
    assert provider.book() == {"112": 3 * DUE, "338": -3 * DUE}
    assert dossier


def test_money_with_another_centres_reference_is_not_ours(provider: NotifyingProvider, dossier: str) -> None:
    """D2: as its line on the statement says too."""
    txn = provider.tells(f"nop phi {PaymentReference.issued('TB', 12)}")

    assert provider.cases() == [("R09", "payment", provider.payment(txn)["id"], DUE)]
    assert provider.book() == {"112": DUE, "338": -DUE}
    assert dossier


def test_money_for_an_expired_demand_and_for_one_that_has_ended_changes_neither(
    cashier: Cashier, provider: NotifyingProvider
) -> None:
    """W7: expired; cancelled."""
    late, ended = cashier.dossier(), cashier.dossier()
    expired, cancelled = cashier.demand(late), cashier.demand(ended)
    with cashier.hub.db.connection() as conn:
        conn.execute("UPDATE fee_demand SET expires_at = now() WHERE id = %s", (expired["id"],))
    cashier.act(lambda uow: demand_commands.expire(uow, expired["id"]))
    cashier.act(lambda uow: demand_commands.cancel(uow, cancelled["id"], "thử nghiệm"))

    txns = [provider.tells(demand["reference"]) for demand in (expired, cancelled)]

    ids = [provider.payment(txn)["id"] for txn in txns]
    assert [case[:3] for case in provider.cases()] == [("R06", "payment", ids[0]), ("R07", "payment", ids[1])]
    assert (cashier.demand(late)["status"], cashier.demand(ended)["status"]) == ("expired", "cancelled")
    assert not cashier.handed(late)
    assert provider.book() == {"112": 2 * DUE, "338": -DUE, "339": -DUE}


def test_two_references_are_one_too_many(cashier: Cashier, provider: NotifyingProvider) -> None:
    both = [cashier.demand(cashier.dossier())["reference"] for _ in range(2)]
    txn = provider.tells(" ".join(both), amount=2 * DUE)

    payment = provider.payment(txn)
    assert provider.cases() == [("R02", "payment", payment["id"], 2 * DUE)]
    assert payment["reference"] is None


@pytest.mark.parametrize("changes", [{"currency": "USD"}, {"account": "9988776655"}], ids=["currency", "account"])
def test_what_is_not_dong_or_not_in_an_account_of_ours_pays_nothing(
    cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str, changes: dict[str, Any]
) -> None:
    """W8."""
    provider.tells(reference, **changes)

    [(code, about, _, at_risk)] = provider.cases()
    assert (code, about, at_risk) == ("R09", "notify_event", 0 if "currency" in changes else DUE)
    assert provider.hub.count("payment") == 0
    assert cashier.demand(dossier)["status"] == "issued"


def test_money_in_another_account_of_ours_than_the_demand_names_pays_nothing(
    cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    """W8."""
    txn = provider.tells(reference, account=OTHER_ACCOUNT)
    assert provider.cases() == [("R09", "payment", provider.payment(txn)["id"], DUE)]
    assert cashier.demand(dossier)["status"] == "issued"
    assert provider.book() == {"112": DUE, "338": -DUE}


def test_an_account_is_known_by_the_other_ways_in_which_its_bank_writes_it(
    cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    txn = provider.tells(reference, account="970400/1020304050607")
    assert provider.payment(txn)["account"] == ACCOUNT
    assert cashier.demand(dossier)["status"] == "paid_unconfirmed"


def test_a_success_that_nobody_has_signed_waits_for_the_statement(
    cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    """KeyPay signs the transaction and not its status."""
    txn = provider.tells(provider="keypay-t", reference=reference, proven=False)
    payment = provider.payment(txn)
    assert (payment["status"], payment["reference"], payment["allocated"]) == ("notified", reference, 0)
    assert cashier.demand(dossier)["status"] == "issued"
    assert provider.book() == {}


def test_a_notification_whose_day_is_closed_is_booked_today(provider: NotifyingProvider, reference: str) -> None:
    """O5."""
    with provider.hub.db.connection() as conn:
        conn.execute(CLOSE, (ACCOUNT, AT.date()))
    payment = provider.payment(provider.tells(reference))
    [entry] = provider.hub.rows(
        "SELECT business_date, original_date FROM ledger_entry WHERE source_id = %s", payment["id"]
    )
    assert (payment["business_date"], entry["business_date"]) == (AT.date(), local(now()).date())
    assert entry["original_date"] == AT.date()
