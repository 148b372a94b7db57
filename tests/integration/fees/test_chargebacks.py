"""Chargebacks (V03): argued about without a đồng moving; what is lost leaves by a debit that names the case."""

from typing import Any

import pytest

from hub.errors import InvalidState
from hub.fees.payouts import chargebacks
from hub.fees.payouts.chargebacks import Chargeback
from hub.fees.reconciliation.matching import gateway_payouts
from hub.fees.reconciliation.matching.gateway_payouts import PayoutItem, PayoutReport
from hub.fees.settlements import remitting
from tests.bank_files import StatementMovement, ago
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, another, red, status
from tests.integration.fees.paying import approved, debit, ordered
from tests.integration.fees.settling import SettlementOffice
from tests.integration.fees.telling import ACCOUNT, NotifyingProvider
from tests.integration.fees.test_refunds import payment

NUMBER = "CB 2026-000777"
LOST = StatementMovement(-DUE, "VNPAY DOI HOAN CB2026000777", ref="TT9")


def noticed(till: AccountTill, about: str) -> Chargeback:
    """The provider has written that a payment is asked back."""
    chargeback = till.act(lambda uow: chargebacks.notice(uow, about, NUMBER, ago(-5), "công văn của cổng thanh toán"))
    assert isinstance(chargeback, Chargeback)
    return chargeback


def chargeback_row(till: AccountTill) -> dict[str, Any]:
    [row] = till.hub.rows("SELECT state, line_id IS NOT NULL AS debited FROM chargeback")
    return row


@pytest.fixture
def paid(till: AccountTill, cashier: Cashier, reference: str) -> str:
    """A payment that the statement shows, for a demand; its id."""
    till.books(StatementMovement(DUE, reference))
    return payment(till)


def test_while_it_is_argued_nothing_moves(till: AccountTill, cashier: Cashier, dossier: str, paid: str) -> None:
    chargeback = noticed(till, paid)
    till.act(lambda uow: chargebacks.answered(uow, chargeback.id, "đã gửi biên nhận hồ sơ"))

    assert (till.cases(), status(cashier, dossier), till.book()) == (["V03"], "paid", {"111": DUE, "331": -DUE})
    with pytest.raises(InvalidState, match="đã được ghi nhận"):
        noticed(till, paid)
    assert red(till.hub) == []


def test_what_is_won_stays(till: AccountTill, cashier: Cashier, dossier: str, paid: str) -> None:
    chargeback = noticed(till, paid)
    till.act(lambda uow: chargebacks.won(uow, chargeback.provider_case, "ngân hàng phát hành rút khiếu nại"))

    assert (till.cases(), status(cashier, dossier), chargeback_row(till)["state"]) == ([], "paid", "won")
    assert red(till.hub) == []


@pytest.mark.database_roles("owner", "hub_worker")
@pytest.mark.parametrize("command", [None, chargebacks.answered, chargebacks.won, chargebacks.lost])
def test_the_debit_takes_it_whatever_was_argued(
    till: AccountTill, cashier: Cashier, dossier: str, paid: str, command: Any
) -> None:
    chargeback = noticed(till, paid)
    if command is not None:
        till.act(lambda uow: command(uow, chargeback.id, "theo công văn"))

    till.books(LOST)

    assert (status(cashier, dossier), chargeback_row(till)) == ("reopened", {"state": "lost", "debited": True})
    # The dossier had gone out: that its department works unpaid is a case of its own.
    assert (till.cases(), till.book()) == (["R04"], {})
    assert till.hub.rows("SELECT status, allocated FROM payment") == [{"status": "charged_back", "allocated": 0}]
    assert red(till.hub) == []


def test_of_a_gateway_s_payout_one_payment_is_taken_back(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    other, its = another(cashier)
    transactions = [provider.tells(one, provider="vnpay-t") for one in (reference, its)]
    items = tuple(PayoutItem(provider_txn=txn, amount=DUE, charge=0) for txn in transactions)
    report = PayoutReport(provider="vnpay-t", report="PAYOUT-20261103-01", account=ACCOUNT, day=ago(60), items=items)
    till.act(lambda uow: gateway_payouts.bring(uow, report))
    till.books(StatementMovement(2 * DUE, "VNPAY TT PAYOUT20261103 01"))
    noticed(till, str(provider.payment(transactions[0])["id"]))

    till.books(LOST)

    assert (status(cashier, dossier), status(cashier, other)) == ("reopened", "paid")
    assert till.book() == {"111": DUE, "331": -DUE}
    assert red(till.hub) == []


def test_after_its_transfer_the_department_owes_it(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    month = till.books(StatementMovement(DUE, reference)).replace(day=1)
    office = SettlementOffice(till.hub)
    office.closes(month)
    office.answers("rest-a", month)
    settlement = office.settlement("rest-a", month).id
    till.books(debit(approved(till, till.act(lambda uow: remitting.remit(uow, settlement, "chuyển tháng")))))
    assert status(cashier, dossier) == "settled"
    noticed(till, payment(till))

    till.books(LOST)

    assert (status(cashier, dossier), till.book()["341"]) == ("reopened", DUE)
    assert till.cases() == ["R04", "V02"]
    assert red(till.hub) == []


def test_what_was_given_back_already_is_to_be_got_back(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference))
    noticed(till, payment(till))
    till.books(debit(ordered(till, cashier.demand(dossier)["id"])))

    till.books(LOST)

    assert (till.cases(), chargeback_row(till)["state"]) == (["V01"], "lost")
    assert till.book() == {"111": -DUE, "341": DUE}
    assert red(till.hub) == []


def test_a_debit_of_another_amount_is_not_the_chargeback(till: AccountTill, paid: str) -> None:
    noticed(till, paid)

    till.books(StatementMovement(1 - DUE, "VNPAY DOI HOAN CB2026000777"))

    assert (till.cases(), chargeback_row(till)) == (["P02", "V03"], {"state": "noticed", "debited": False})
    assert red(till.hub) == []


def test_what_is_only_notified_cannot_be_asked_back(
    till: AccountTill, provider: NotifyingProvider, reference: str
) -> None:
    transaction = provider.tells(reference)

    with pytest.raises(InvalidState, match="không có gì để đòi lại"):
        noticed(till, str(provider.payment(transaction)["id"]))
