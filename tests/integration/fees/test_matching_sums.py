"""Where the sums decide: several references, several payments, payouts, reversals; and what is no evidence."""

from datetime import UTC, datetime, time

import pytest

from hub.clock import VIETNAM
from hub.fees.demands import demand_commands
from hub.fees.reconciliation.matching import gateway_payouts
from hub.fees.reconciliation.matching.gateway_payouts import PayoutItem, PayoutReport
from schemas.payment_reference import PaymentReference
from tests.bank_files import StatementMovement, ago
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, another, later, red, status
from tests.integration.fees.telling import ACCOUNT, OTHER_ACCOUNT, NotifyingProvider


def test_p7_several_references_that_come_to_the_amount_are_split(  # D3
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    second, other = another(cashier)

    till.books(StatementMovement(2 * DUE, f"{reference} va {other}"))

    assert till.line()["pass"] == "P7"
    assert (status(cashier, dossier), status(cashier, second)) == ("paid", "paid")
    [payment] = till.hub.rows("SELECT amount, allocated FROM payment")
    assert payment == {"amount": 2 * DUE, "allocated": 2 * DUE}
    assert red(till.hub) == []


def test_p7_several_references_and_the_amount_of_one_is_ambiguous(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    second, other = another(cashier)

    till.books(StatementMovement(DUE, f"{reference} va {other}"))

    assert (status(cashier, dossier), status(cashier, second)) == ("issued", "issued")
    assert till.cases() == ["R02"]
    assert [(one["class"], one["amount"]) for one in till.proposals()] == [("C", DUE), ("C", DUE)]
    assert till.book() == {"111": DUE, "338": -DUE}
    assert red(till.hub) == []


def test_p8_three_parts_fill_a_demand(till: AccountTill, cashier: Cashier, dossier: str, reference: str) -> None:  # D5
    till.books(*(StatementMovement(DUE // 3, reference, ref=f"FT{number}") for number in range(3)))

    assert till.passes() == ["P8", "P8", "P8"]
    assert (status(cashier, dossier), till.cases()) == ("paid", [])
    assert red(till.hub) == []


def test_p8_the_second_full_payment_is_a_duplicate(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference, ref="FT1"), StatementMovement(DUE, reference, ref="FT2"))

    assert till.passes() == ["P8", "P8"]
    assert (status(cashier, dossier), till.cases()) == ("paid", ["R03"])
    assert till.book() == {"111": 2 * DUE, "331": -DUE, "339": -DUE}
    assert red(till.hub) == []


def test_p8_a_payment_after_the_demand_s_end_changes_nothing_by_itself(  # D8
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    demand = cashier.demand(dossier)["id"]
    cashier.act(lambda uow: demand_commands.cancel(uow, demand, "rút hồ sơ"))

    till.books(StatementMovement(DUE, reference))

    assert (till.line()["pass"], till.line()["counted"], till.cases()) == ("P8", 0, ["R07"])
    assert status(cashier, dossier) == "cancelled"
    assert till.book() == {"111": DUE, "339": -DUE}
    assert red(till.hub) == []


def test_p8_a_late_payment_waits_for_a_person(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    with till.hub.db.connection() as conn:
        conn.execute("UPDATE fee_demand SET status = 'expired', expires_at = now() - interval '1 day'")

    till.books(StatementMovement(DUE, reference))

    assert (till.line()["state"], till.cases(), status(cashier, dossier)) == ("in_exception", ["R06"], "expired")
    assert till.book() == {"111": DUE, "338": -DUE}
    assert red(till.hub) == []


def payout(till: AccountTill, *payments: str, charge: int) -> PayoutReport:
    items = tuple(PayoutItem(provider_txn=txn, amount=DUE, charge=charge) for txn in payments)
    report = PayoutReport(provider="vnpay-t", report="PAYOUT-20261103-01", account=ACCOUNT, day=ago(60), items=items)
    till.act(lambda uow: gateway_payouts.bring(uow, report))
    return report


def test_p9_a_payout_confirms_the_payments_of_its_report(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    second, other = another(cashier)
    transactions = [provider.tells(one, provider="vnpay-t") for one in (reference, other)]
    payout(till, *transactions, charge=1_100)

    till.books(StatementMovement(2 * (DUE - 1_100), "VNPAY TT PAYOUT20261103 01 CHO TRUNG TAM"))

    assert till.lines()[0]["pass"] == "P9"
    assert (status(cashier, dossier), status(cashier, second)) == ("paid", "paid")
    assert till.book() == {"111": 2 * (DUE - 1_100), "642": 2_200, "331": -2 * DUE}
    assert red(till.hub) == []


def test_p9_a_payout_that_differs_by_a_dong_is_a_case_and_no_sums_are_searched(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    payout(till, provider.tells(reference, provider="vnpay-t"), charge=1_100)

    till.books(StatementMovement(DUE - 1_101, "PAYOUT-20261103-01"))

    assert (till.cases(), status(cashier, dossier)) == (["P01"], "paid_unconfirmed")
    assert red(till.hub) == []


def test_p10_a_reversal_reopens_what_it_had_paid(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference, ref="FT1"))

    till.books(StatementMovement(-DUE, "HOAN TRA FT1 SAI", ref="FT2", e2e="FT1", reversal=True))

    assert [(row["state"], row["pass"]) for row in till.lines()] == [("reversed", None), ("matched", "P10")]
    assert status(cashier, dossier) == "reopened"
    assert till.book() == {}
    assert [row["status"] for row in till.hub.rows("SELECT status FROM payment")] == ["reversed"]
    assert red(till.hub) == []


def test_p10_what_comes_and_is_taken_back_on_one_day_leaves_the_demand_open(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(
        StatementMovement(DUE, reference, ref="FT1"),
        StatementMovement(-DUE, "SUA SAI", ref="FT2", e2e="FT1", reversal=True),
    )

    assert (status(cashier, dossier), till.book(), till.cases()) == ("reopened", {}, [])
    [payment] = till.hub.rows("SELECT status, allocated FROM payment")
    assert payment == {"status": "reversed", "allocated": 0}
    assert red(till.hub) == []


def test_p10_a_reversal_of_a_duplicate_takes_back_what_was_owed_to_its_payer(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference, ref="FT100001"))
    till.books(StatementMovement(DUE, reference, ref="FT100002"))
    assert till.cases() == ["R03"]

    till.books(StatementMovement(-DUE, "REV FT100002", ref="FT100003", reversal=True))

    assert (status(cashier, dossier), till.cases()) == ("paid", [])
    assert till.book() == {"111": DUE, "331": -DUE}
    assert red(till.hub) == []


@pytest.mark.parametrize(
    "move",
    [
        StatementMovement(-DUE, "HOAN TRA", ref="FT9", e2e="FT8", reversal=True),
        StatementMovement(1 - DUE, "HOAN TRA", ref="FT9", e2e="FT1", reversal=True),
    ],
)
def test_p10_a_reversal_without_its_original_is_a_case(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str, move: StatementMovement
) -> None:
    till.books(StatementMovement(DUE, reference, ref="FT1"))

    till.books(move)

    assert (status(cashier, dossier), till.cases()) == ("paid", ["V01"])
    left = {"111": DUE + move.amount} if DUE + move.amount else {}
    assert till.book() == left | {"331": -DUE, "341": -move.amount}
    assert red(till.hub) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda reference: reference[:6] + ("7" if reference[6] != "7" else "3") + reference[7:],
        lambda reference: (
            reference[:9]
            + ("7" if reference[9] != "7" else "3")
            + reference[10]
            + ("1" if reference[11] != "1" else "2")
            + reference[12:]
        ),
        lambda reference: reference[:4] + reference[6:],
        lambda reference: reference[:12],
        lambda reference: reference[:8] + "00" + reference[8:],
    ],
)
def test_p11_what_is_almost_a_reference_is_a_proposal_for_two_persons_and_never_more(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str, damage: object
) -> None:
    assert callable(damage)

    till.books(StatementMovement(DUE, f"NOP PHI {damage(reference)} 0912345678"))

    [proposal] = till.proposals()
    assert (proposal["pass"], proposal["class"]) == ("P11", "C")
    assert proposal["demand_id"] == cashier.demand(dossier)["id"]
    assert (status(cashier, dossier), till.cases()) == ("issued", ["R01"])
    assert red(till.hub) == []


def test_amount_and_day_alone_are_no_evidence(till: AccountTill, cashier: Cashier, dossier: str) -> None:
    till.books(StatementMovement(DUE, "NGUYEN VAN THU NGHIEM NOP PHI"))

    assert (till.proposals(), till.cases()) == ([], ["R01"])
    assert till.book() == {"111": DUE, "338": -DUE}
    assert red(till.hub) == []


def test_a_reference_of_another_centre_is_not_ours(till: AccountTill, cashier: Cashier, dossier: str) -> None:  # D2
    till.books(StatementMovement(DUE, str(PaymentReference.issued("TB", 12))))

    assert till.cases() == ["R09"]
    assert red(till.hub) == []


def test_a_demand_of_another_account_is_not_paid_here(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    with till.hub.db.connection() as conn:
        conn.execute("UPDATE fee_demand SET account = %s", (OTHER_ACCOUNT,))

    till.books(StatementMovement(DUE, reference))

    assert (till.cases(), status(cashier, dossier)) == (["R09"], "issued")
    assert red(till.hub) == []


def test_a_payment_whose_notification_could_not_be_read_is_found_by_its_line(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    provider.tells("NOP PHI", bank_ref="FT1")
    assert [code for code, *_ in provider.cases()] == ["R01"]

    till.books(StatementMovement(DUE, f"NOP PHI {reference[:6]} {reference[6:]}", ref="FT1"))

    assert (till.line()["pass"], status(cashier, dossier), till.cases()) == ("P5", "paid", [])
    assert till.book() == {"111": DUE, "331": -DUE}
    assert red(till.hub) == []


@pytest.mark.parametrize(("hour", "days"), [(time(8, 0), 1), (time(23, 0), 2), (time(23, 59, 59), 2), (time(1, 0), 1)])
def test_what_was_notified_and_is_on_no_statement_in_time_is_overdue(  # N01
    till: AccountTill,
    cashier: Cashier,
    provider: NotifyingProvider,
    dossier: str,
    reference: str,
    hour: time,
    days: int,
) -> None:
    first = till.books()
    while not all(till.hub.calendar.is_working_day(later(first, days)) for days in range(3)):
        first = till.books()
    provider.tells(reference, paid_at=datetime.combine(first, hour, VIETNAM).astimezone(UTC), bank_ref="FT1")

    seen = []
    for _ in range(2):
        till.books()
        seen.append("N01" in till.cases())

    assert seen.index(True) + 1 == days
    assert provider.payment("GD1")["status"] == "unconfirmed_overdue"
    till.books(StatementMovement(DUE, reference, ref="FT1"))
    assert (till.cases(), status(cashier, dossier)) == ([], "paid")
    assert red(till.hub) == []


def test_what_leaves_the_account_and_is_nobody_s_is_a_case(till: AccountTill) -> None:
    till.books(
        StatementMovement(DUE, "KHONG RO"),
        StatementMovement(-3_300, "THU PHI DICH VU SMS"),
        StatementMovement(2_000, "HOAN LAI LENH CHI", reversal=True),
    )

    assert till.cases() == ["P02", "R01", "V04"]
    assert {row["state"] for row in till.lines()} == {"in_exception"}
    assert till.book() == {"111": DUE - 1_300, "338": -DUE - 2_000, "642": 3_300}
    assert red(till.hub) == []
