"""Every other way in which a case of each code ends: what persons agree to is done, and the book is whole after it."""

from datetime import datetime, time
from typing import Any

import pytest

from hub import dispatch
from hub.clock import VIETNAM
from hub.errors import InvalidState
from hub.fees.demands import demand_commands
from hub.fees.payouts import refunds
from hub.fees.receipts import issuing
from hub.fees.reconciliation.matching import gateway_payouts
from hub.fees.reconciliation.matching.gateway_payouts import PayoutItem, PayoutReport
from hub.fees.resolutions import commands
from schemas.payment import NotificationKind
from schemas.payment_reference import PaymentReference
from tests.bank_files import StatementMovement, ago
from tests.integration.fees.booking import tampered
from tests.integration.fees.casework import CHECKER, MAKER, REASON, Casework
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, another, red, status
from tests.integration.fees.paying import PAYEE, approved, asked, current, debit, ordered
from tests.integration.fees.registry import Registry
from tests.integration.fees.telling import ACCOUNT, NotifyingProvider
from tests.integration.fees.test_refunds import payment

ANOTHERS = str(PaymentReference.issued("TB", 12))
PAID_AT = datetime.combine(ago(60), time(9), VIETNAM)


@pytest.fixture
def uow(till: AccountTill) -> Casework:
    return Casework(till)


def gone(uow: Casework, code: str, name: str, item: str | None = None) -> None:
    """The money is asked back by its payer, the case ends by that, and our statement shows the debit."""
    order = asked(uow.till, item or payment(uow.till))
    uow.settles(code, name)
    uow.till.books(debit(current(uow.till, order)))
    assert (uow.till.book(), uow.standing(), red(uow.hub)) == ({}, [], [])


def test_too_much_counts_for_another_demand_of_its_payer(  # R05
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    other, _ = another(cashier)
    till.books(StatementMovement(2 * DUE, reference))

    uow.settles("R05", "allocate", demand=cashier.demand(other)["id"])

    assert (status(cashier, dossier), status(cashier, other)) == ("paid", "paid")
    assert (till.book(), uow.standing()) == ({"111": 2 * DUE, "331": -2 * DUE}, [])


def test_what_came_after_the_demand_s_end_goes_back(  # R06
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    with till.hub.db.connection() as conn:
        conn.execute("UPDATE fee_demand SET expires_at = now() - interval '1 day'")
    cashier.act(lambda doing: demand_commands.expire(doing, cashier.demand(dossier)["id"]))
    till.books(StatementMovement(DUE, reference))

    gone(uow, "R06", "return_to_sender")
    assert status(cashier, dossier) == "expired"


def test_what_came_for_a_demand_that_was_cancelled_goes_back(  # R07, on 339
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    cashier.act(lambda doing: demand_commands.cancel(doing, cashier.demand(dossier)["id"], "rút hồ sơ"))
    till.books(StatementMovement(DUE, reference))

    gone(uow, "R07", "refund")
    assert status(cashier, dossier) == "cancelled"


def test_what_was_paid_for_a_dossier_that_ended_goes_back(  # R07, on 331
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference))
    demand = str(cashier.demand(dossier)["id"])
    uow.opened("R07", "fee_demand", demand, DUE, demand=demand)
    order = asked(till, demand)

    uow.settles("R07", "refund")
    till.books(debit(current(till, order)))

    assert (status(cashier, dossier), till.book(), red(till.hub)) == ("refunded", {}, [])


@pytest.mark.parametrize("name", ["assign", "return_to_sender"])
def test_what_names_two_demands_is_for_one_of_them_or_goes_back(  # R02
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, reference: str, name: str
) -> None:
    _, other = another(cashier)
    till.books(StatementMovement(DUE, f"{reference} {other}"))
    assert uow.standing() == ["R02"]

    if name == "assign":
        uow.settles("R02", "assign", demand=cashier.demand(dossier)["id"])
        assert (status(cashier, dossier), till.book()) == ("paid", {"111": DUE, "331": -DUE})
    else:
        gone(uow, "R02", name)


def test_what_is_another_centre_s_is_no_fee_or_goes_back(uow: Casework, till: AccountTill) -> None:  # R09
    till.books(StatementMovement(DUE, ANOTHERS))
    uow.settles("R09", "not_fee", kind="not_ours")
    assert till.book() == {"111": DUE, "411": -DUE}
    till.books(StatementMovement(-DUE, "chuyen tra"))
    uow.settles("P02", "not_fee", kind="own_transfer")
    assert till.book() == {}


def test_what_is_another_centre_s_is_sent_back(uow: Casework, till: AccountTill) -> None:  # R09
    till.books(StatementMovement(DUE, ANOTHERS))
    gone(uow, "R09", "return_to_sender")


@pytest.mark.parametrize("changes", [{"currency": "USD"}, {"account": "9988776655"}], ids=["currency", "account"])
def test_what_never_came_to_us_is_noted(  # R09, W8
    uow: Casework, provider: NotifyingProvider, reference: str, changes: dict[str, Any]
) -> None:
    provider.tells(reference, **changes)
    uow.settles_alone("R09", "noted")


def test_a_conflict_of_words_is_over_when_the_provider_has_answered(  # N03
    uow: Casework, provider: NotifyingProvider, reference: str
) -> None:
    txn = provider.tells(reference)
    provider.tells(reference, provider_txn=txn, amount=1)
    uow.settles_alone("N03", "answered")

    provider.tells(reference, provider_txn=txn, amount=1)
    assert uow.standing() == [], "what was answered is not asked again"
    provider.tells(reference, provider_txn=txn, amount=2)
    assert uow.standing() == ["N03"], "what is new is"


def test_a_line_of_another_amount_than_was_told_is_assigned_when_what_was_told_is_void(  # N03, N01
    uow: Casework, till: AccountTill, provider: NotifyingProvider, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books()
    provider.tells(reference, bank_ref="FT1", paid_at=PAID_AT)
    till.books(StatementMovement(DUE - 1_000, reference, ref="FT1"))
    for _ in range(4):
        till.books()
    assert uow.standing() == ["N01", "N03"]

    uow.settles("N01", "void")
    assert status(cashier, dossier) == "reopened"
    uow.settles("N03", "assign", demand=cashier.demand(dossier)["id"])

    assert till.book() == {"111": DUE - 1_000, "331": 1_000 - DUE}
    assert (cashier.demand(dossier)["allocated"], uow.standing()) == (DUE - 1_000, ["R04"])


def test_a_line_of_another_amount_than_was_told_is_no_fee_at_all(  # N03
    uow: Casework, till: AccountTill, provider: NotifyingProvider, reference: str
) -> None:
    provider.tells(reference, bank_ref="FT1")
    till.books(StatementMovement(DUE - 1_000, "lai tien gui", ref="FT1"))
    uow.settles("N03", "not_fee", kind="interest")
    assert till.book() == {"111": DUE - 1_000, "112": DUE, "331": -DUE, "411": 1_000 - DUE}


def test_what_was_never_paid_and_is_taken_back_is_answered(uow: Casework, provider: NotifyingProvider) -> None:  # V01
    provider.tells(kind=NotificationKind.REVERSAL, original="GD-NEVER")
    with provider.hub.db.connection() as conn:
        conn.execute(
            "UPDATE inbox SET backoff_attempts = 5, due_at = now(), state = 'received' WHERE kind = 'bank.notification'"
        )
    provider.hub.sweep()
    provider.hub.carry()
    uow.settles_alone("V01", "answered")


def test_what_the_bank_has_taken_back_is_not_settled_by_an_answer(uow: Casework, till: AccountTill) -> None:  # V01
    till.books(StatementMovement(DUE, "nop tien"))
    till.books(StatementMovement(-5_000, "HOAN TRA", ref="FT9", reversal=True))
    with pytest.raises(InvalidState, match="chưa có ngoại lệ nào xử lý"):
        uow.proposes("V01", "answered")
    assert (uow.standing(), till.book()["341"]) == (["R01", "V01"], 5_000)


def test_a_payout_of_somebody_else_s_money_is_no_fee(  # P01
    uow: Casework, till: AccountTill, provider: NotifyingProvider, reference: str
) -> None:
    txn = provider.tells(reference, provider="vnpay-t", paid_at=PAID_AT)
    report = PayoutReport(provider="vnpay-t", report="PAYOUT-20261103-01", account=ACCOUNT, day=ago(60),
                    items=(PayoutItem(provider_txn=txn, amount=DUE, charge=0),))  # fmt: skip
    till.act(lambda doing: gateway_payouts.bring(doing, report))
    till.books(StatementMovement(DUE + 5_000, "PAYOUT-20261103-01"))
    assert uow.standing() == ["P01"]

    uow.settles("P01", "not_fee", kind="not_ours")
    assert till.book() == {"111": DUE + 5_000, "112": DUE, "331": -DUE, "411": -DUE - 5_000}


@pytest.mark.parametrize("name", ["not_fee", "return_to_sender"])
def test_a_return_of_another_amount_than_was_ordered_is_settled(  # V04
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, reference: str, name: str
) -> None:
    till.books(StatementMovement(DUE, reference))
    order = ordered(till, cashier.demand(dossier)["id"])
    till.books(debit(order))
    till.books(StatementMovement(DUE - 1_100, f"HOAN TRA {order.reference} TRU PHI"))
    assert uow.standing() == ["V04"]

    if name == "not_fee":
        uow.settles("V04", "not_fee", kind="other")
        assert till.book() == {"111": DUE - 1_100, "411": 1_100 - DUE}
    else:
        gone(uow, "V04", name, str(till.lines()[-1]["id"]))


def test_a_refund_that_came_back_is_ordered_again_by_its_case(  # V04
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference))
    order = ordered(till, cashier.demand(dossier)["id"])
    till.books(debit(order))
    till.books(StatementMovement(DUE, f"HOAN TRA {order.reference}"))
    again = asked_again(till, order.subject_id)

    uow.settles("V04", "refund")
    till.books(debit(current(till, again)))
    assert (status(cashier, dossier), till.book(), uow.standing()) == ("refunded", {}, [])


def asked_again(till: AccountTill, refund: str) -> Any:
    return till.act(lambda doing: refunds.again(doing, refund, PAYEE, "số tài khoản mới"), MAKER)


@pytest.mark.parametrize(
    ("name", "details", "left"),
    [
        ("own_order", {}, {}),
        ("charge", {}, {"331": -DUE, "642": DUE}),
        ("not_fee", {"kind": "own_transfer"}, {"331": -DUE, "411": DUE}),
    ],
)
def test_a_debit_that_names_an_order_that_nobody_had_approved_is_settled(  # V05
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, reference: str,
    name: str, details: dict[str, str], left: dict[str, int],
) -> None:  # fmt: skip
    till.books(StatementMovement(DUE, reference))
    order = asked(till, cashier.demand(dossier)["id"])
    till.books(debit(order))
    assert uow.standing() == ["V05"]

    if name == "own_order":
        approved(till, order)
        details = {"order": order.id}
    uow.settles("V05", name, **details)

    assert (till.book(), uow.standing()) == (left, [])
    assert current(till, order).state == ("confirmed" if name == "own_order" else "requested")


def test_a_missing_receipt_is_mended_by_its_receipt_and_not_by_a_word(  # M03
    uow: Casework, registry: Registry, cashier: Cashier
) -> None:
    registry.ticks()
    cashier.pays(cashier.dossier(), DUE, "pm_first", confirmed=True)
    with registry.hub.db.connection() as conn:
        tampered(conn, "UPDATE receipt_policy SET since = since - interval '9 days'", tables=("receipt_policy",))
    registry.ages()
    dispatch.run_command(registry.hub, "hub", lambda doing: (issuing.report_missing(doing), []))
    case = str(uow.case("M03")["id"])

    def mended() -> None:
        uow.says(CHECKER, lambda doing: commands.resolve(doing, case, "receipt_mended", {}, REASON))

    with pytest.raises(InvalidState, match="vẫn còn thiếu biên lai: chưa lập"):
        mended()
    registry.ticks()
    mended()
    [row] = registry.hub.rows("SELECT state, resolution FROM fee_exception WHERE id = %s", case)
    assert row == {"state": "resolved", "resolution": "receipt_mended"}
