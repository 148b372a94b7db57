"""Payouts whose line has no name of a report, or is there before it; never by sums alone."""

from datetime import date
from itertools import count

import pytest

from hub.fees.reconciliation.matching import gateway_payouts
from hub.fees.reconciliation.matching.gateway_payouts import PayoutItem, PayoutReport
from tests.bank_files import StatementMovement, ago
from tests.integration.fees.casework import Casework
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, another, later, red, status
from tests.integration.fees.paying import asked
from tests.integration.fees.telling import ACCOUNT, NotifyingProvider
from tests.integration.fees.test_replay import replayed

LINE = "CTY CP VNPAY-T THANH TOAN DV T11"
"""what vnpay-t's transfers say: the words that its TOML gives, and no name"""
CHARGE = 1_100
_NUMBERS = count(1)


def report(till: AccountTill, day: date, *payments: str, provider: str = "vnpay-t") -> PayoutReport:
    """The gateway's report of that day of settlement, brought by a person."""
    items = tuple(PayoutItem(provider_txn=txn, amount=DUE, charge=CHARGE) for txn in payments)
    payout_report = PayoutReport(
        provider=provider, report=f"PAYOUT-{next(_NUMBERS):06}", account=ACCOUNT, day=day, items=items
    )
    till.act(lambda uow: gateway_payouts.bring(uow, payout_report))
    return payout_report


@pytest.fixture
def casework(till: AccountTill) -> Casework:
    return Casework(till)


@pytest.fixture
def transaction(provider: NotifyingProvider, reference: str) -> str:
    """A payment that vnpay-t has notified; its name of it."""
    return provider.tells(reference, provider="vnpay-t")


def test_a_line_without_the_report_s_name_is_found_by_payer_day_and_net(
    till: AccountTill, cashier: Cashier, dossier: str, transaction: str
) -> None:
    day = till.books()
    payout_report = report(till, later(day, 1), transaction)
    till.books(StatementMovement(payout_report.net, LINE))

    assert (till.line()["pass"], till.cases(), status(cashier, dossier)) == ("P9", [], "paid")
    assert till.book() == {"111": payout_report.net, "642": CHARGE, "331": -DUE}
    [group] = till.hub.rows("SELECT evidence ->> 'how' AS how FROM match_group WHERE pass = 'P9'")
    assert group["how"] == "day"
    assert red(till.hub) == []
    assert replayed(till.hub).offenders == []


@pytest.mark.parametrize(
    ("days", "more", "line"),
    [
        pytest.param(2, 0, LINE, id="another day"),
        pytest.param(1, 1, LINE, id="another sum"),
        pytest.param(1, 0, "CHUYEN TIEN DICH VU T11", id="not the payer's words"),
    ],
)
def test_what_differs_is_not_taken_for_a_payout(
    till: AccountTill, cashier: Cashier, dossier: str, transaction: str, days: int, more: int, line: str
) -> None:
    day = till.books()
    payout_report = report(till, later(day, days), transaction)
    till.books(StatementMovement(payout_report.net + more, line))
    assert (till.cases(), status(cashier, dossier)) == (["R01"], "paid_unconfirmed")
    assert red(till.hub) == []


def test_of_two_reports_or_two_lines_alike_none_is_chosen(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, transaction: str
) -> None:
    _, other = another(cashier)
    day = till.books()
    first = report(till, later(day, 1), transaction)
    report(till, later(day, 1), provider.tells(other, provider="vnpay-t"))
    till.books(StatementMovement(first.net, LINE))
    assert till.cases() == ["R01"]

    _, third = another(cashier)
    payout_report = report(till, later(day, 2), provider.tells(third, provider="vnpay-t", amount=DUE))
    till.books(
        StatementMovement(payout_report.net, LINE, ref="FT8"), StatementMovement(payout_report.net, LINE, ref="FT9")
    )
    assert till.cases() == ["R01"] * 3
    assert red(till.hub) == []


def test_a_name_on_the_line_goes_before_day_and_sum(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, dossier: str, transaction: str
) -> None:
    second, other = another(cashier)
    day = till.books()
    named = report(till, later(day, 1), transaction)
    report(till, later(day, 1), provider.tells(other, provider="vnpay-t"))
    till.books(StatementMovement(named.net, f"{LINE} {named.report}"), StatementMovement(named.net, LINE))

    assert (till.passes(), till.cases()) == (["P9", "P9"], [])
    assert (status(cashier, dossier), status(cashier, second)) == ("paid", "paid")
    assert red(till.hub) == []


@pytest.mark.parametrize("line", [LINE, None], ids=["by its day", "by its name"])
def test_a_line_that_came_before_its_report_is_its_report_s_all_the_same(
    till: AccountTill, cashier: Cashier, dossier: str, transaction: str, line: str | None
) -> None:
    items = (PayoutItem(provider_txn=transaction, amount=DUE, charge=CHARGE),)
    payout_report = PayoutReport(provider="vnpay-t", report="PAYOUT-LATE-1", account=ACCOUNT, day=ago(60), items=items)
    day = till.books(StatementMovement(payout_report.net, line or payout_report.report))
    assert till.cases() == ["R01"]

    till.act(lambda uow: gateway_payouts.bring(uow, payout_report))
    till.matches(day)

    assert (till.line()["pass"], till.line()["state"], till.cases()) == ("P9", "matched", [])
    assert status(cashier, dossier) == "paid"
    assert till.book() == {"111": payout_report.net, "642": CHARGE, "331": -DUE}
    [payment] = till.hub.rows("SELECT status FROM payment WHERE source = 'statement'")
    assert payment["status"] == "voided"
    before = till.digest(day)
    till.matches(day)
    assert till.digest(day) == before
    assert red(till.hub) == []
    assert replayed(till.hub).offenders == []


def test_a_line_whose_money_goes_back_is_not_joined_any_more(
    till: AccountTill, casework: Casework, cashier: Cashier, dossier: str, transaction: str
) -> None:
    """Two persons have sent it back to its sender before the report came."""
    items = (PayoutItem(provider_txn=transaction, amount=DUE, charge=CHARGE),)
    payout_report = PayoutReport(provider="vnpay-t", report="PAYOUT-LATE-2", account=ACCOUNT, day=ago(60), items=items)
    day = till.books(StatementMovement(payout_report.net, payout_report.report))
    asked(till, str(till.line()["payment_id"]))
    casework.settles("R01", "return_to_sender")

    till.act(lambda uow: gateway_payouts.bring(uow, payout_report))
    till.matches(day)

    assert (till.line()["pass"], status(cashier, dossier)) == ("P0", "paid_unconfirmed")
    assert red(till.hub) == []
