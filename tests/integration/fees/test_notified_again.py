"""Notifications that do not agree with what was told before: the first stands, and a case says so."""

from typing import Any

import pytest

from hub.db import one
from schemas.payment import NotificationKind
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.telling import DUE, NotifyingProvider
from tests.scripted_hub import ScriptedHub


def test_a_success_after_a_failure_pays(
    cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    """W10: the payer tried again."""
    provider.tells(reference, kind=NotificationKind.FAILED, provider_txn="GD-X", paid_at=None)
    assert provider.hub.count("payment") == 0
    provider.tells(reference, provider_txn="GD-X")
    assert cashier.demand(dossier)["status"] == "paid_unconfirmed"
    assert provider.cases() == []


def test_a_failure_after_a_success_is_a_case_and_undoes_nothing(
    cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    """W10."""
    txn = provider.tells(reference)
    provider.tells(reference, kind=NotificationKind.FAILED, provider_txn=txn)
    assert provider.cases() == [("N03", "payment", provider.payment(txn)["id"], DUE)]
    assert (cashier.demand(dossier)["status"], provider.payment(txn)["status"]) == ("paid_unconfirmed", "notified")


@pytest.mark.parametrize(
    ("kind", "status"), [(NotificationKind.REVERSAL, "reversed"), (NotificationKind.REFUND, "refunded")]
)
def test_what_is_taken_back_is_to_be_paid_again(
    cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str, kind: NotificationKind, status: str
) -> None:
    txn = provider.tells(reference)
    provider.tells(kind=kind, original=txn)

    payment = provider.payment(txn)
    assert (payment["status"], payment["allocated"]) == (status, 0)
    demand = cashier.demand(dossier)
    assert (demand["status"], demand["allocated"]) == ("reopened", 0)
    assert provider.book() == {"112": 0, "331": 0}
    provider.tells(reference)
    assert cashier.demand(dossier)["status"] == "paid_unconfirmed"


def test_a_refund_that_is_told_before_its_payment_waits_for_it(
    cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    """W10: out of order."""
    provider.tells(kind=NotificationKind.REVERSAL, original="GD-LATE")
    [waiting] = provider.hub.rows("SELECT state, error_code FROM inbox WHERE kind = 'bank.notification'")
    assert (waiting["state"], waiting["error_code"]) == ("waiting", "PAYMENT_UNKNOWN")

    provider.tells(reference, provider_txn="GD-LATE")

    assert provider.payment("GD-LATE")["status"] == "reversed"
    assert cashier.demand(dossier)["status"] == "reopened"
    assert [code for code, *_ in provider.cases()] == ["R04"], "it has gone out to its department in between"


def test_a_refund_of_what_was_never_paid_becomes_a_case(provider: NotifyingProvider) -> None:
    """W10: and the payment does not come."""
    provider.tells(kind=NotificationKind.REVERSAL, original="GD-NEVER")
    [message] = provider.hub.rows("SELECT id FROM inbox WHERE kind = 'bank.notification'")
    with provider.hub.db.connection() as conn:
        conn.execute(
            "UPDATE inbox SET backoff_attempts = 5, due_at = now(), state = 'received' WHERE id = %s", (message["id"],)
        )
    provider.hub.sweep()
    provider.hub.carry()

    [(code, about, _, at_risk)] = provider.cases()
    assert (code, about, at_risk) == ("V01", "notify_event", DUE)


def test_a_part_that_is_taken_back_and_what_a_statement_has_shown_are_for_a_person(
    cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    txn = provider.tells(reference)
    provider.tells(kind=NotificationKind.REFUND, original=txn, amount=1)
    with provider.hub.db.connection() as conn:
        conn.execute("UPDATE payment SET status = 'confirmed' WHERE provider_txn = %s", (txn,))
    provider.tells(kind=NotificationKind.REVERSAL, original=txn)

    assert {case[:2] for case in provider.cases()} == {("V01", "payment")}
    assert cashier.demand(dossier)["status"] == "paid_unconfirmed"
    assert provider.payment(txn)["allocated"] == DUE


def test_the_same_money_told_by_two_providers_counts_once(
    cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    provider.tells(reference, bank_ref="FT9")
    provider.tells(reference, provider="casso-t", bank_ref="FT9")
    assert provider.hub.count("payment") == 1
    assert provider.cases() == []
    assert provider.book() == {"112": DUE, "331": -DUE}

    provider.tells(reference, provider="sepay-t", bank_ref="FT9", amount=1)
    assert [case[0] for case in provider.cases()] == ["N03"]
    assert cashier.demand(dossier)["allocated"] == DUE


def test_a_conflict_is_one_case_however_often_it_is_told(provider: NotifyingProvider, reference: str) -> None:
    txn = provider.tells(reference)
    for amount in (1, 1, 2):
        provider.tells(reference, provider_txn=txn, amount=amount)

    [(code, about, subject, at_risk)] = provider.cases()
    event = one_event(provider.hub, txn)
    assert (code, about, subject, at_risk) == ("N03", "notify_event", str(event["id"]), DUE)
    assert event["amount"] == DUE
    [facts] = provider.hub.rows("SELECT facts FROM fee_exception")
    assert "text" not in facts["facts"]


def one_event(hub: ScriptedHub, txn: str) -> dict[str, Any]:
    with hub.db.connection() as conn:
        return one(conn, "SELECT id, amount FROM notify_event WHERE provider_txn = %s", (txn,))


def test_what_was_notified_is_never_changed(provider: NotifyingProvider, reference: str) -> None:
    provider.tells(reference)
    for table in ("notify_delivery", "notify_event", "notify_verdict"):
        with provider.hub.db.connection() as conn, pytest.raises(Exception, match="append-only"):
            conn.execute(f"DELETE FROM {table}")
