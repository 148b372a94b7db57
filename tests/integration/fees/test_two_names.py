"""A gateway's number and the bank's are two names of one movement; two numbers of one issuer are two movements."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from hub.clock import VIETNAM
from tests.bank_files import StatementMovement, ago
from tests.integration.fees.booking import opened, tampered
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, red, status
from tests.integration.fees.telling import NotifyingProvider
from tests.integration.fees.test_replay import replayed
from tests.integration.fees.test_second_engine import offenders

DAY = ago(60)
"""of the first statement of a till"""
GATEWAY = "sepay-t"


def at(day: date, hour: int = 9) -> datetime:
    return datetime.combine(day, time(hour), VIETNAM)


def gateway(number: str | None, day: date = DAY, provider: str = GATEWAY) -> dict[str, Any]:
    return {"provider": provider, "bank_ref": number, "paid_at": at(day)}


Order = Callable[[Callable[[], Any], Callable[[], Any]], None]
EITHER_FIRST = pytest.mark.parametrize(
    "order",
    [
        pytest.param(lambda tell, book: (tell(), book()), id="notification first"),
        pytest.param(lambda tell, book: (book(), tell()), id="statement first"),
    ],
)


@EITHER_FIRST
def test_a_transfer_that_two_number_is_one_payment(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str, order: Order
) -> None:
    order(
        lambda: provider.tells(f"NOP LE PHI {reference}", **gateway("MBVCB.3388120459")),
        lambda: till.books(StatementMovement(DUE, f"MBVCB.3388120459.NOP LE PHI {reference}.CT", ref="6120.48113")),
    )

    assert (till.hub.count("payment"), till.cases(), status(cashier, dossier)) == (1, [], "paid")
    assert till.book() == {"111": DUE, "331": -DUE}
    for _ in range(4):
        till.books()
    assert till.cases() == [], "nobody waits for a second line"
    assert red(till.hub) == []
    assert replayed(till.hub).offenders == []
    assert offenders(till.hub) == []


@EITHER_FIRST
@pytest.mark.parametrize(
    ("notices", "booked", "payments"),
    [
        pytest.param(["GW1", "GW2"], ["FT1", "FT2"], 2, id="both told and booked"),
        pytest.param(["GW1"], ["FT1", "FT2"], 2, id="one told, two booked"),
        pytest.param(["GW1", "GW2"], ["FT1"], 2, id="two told, one booked"),
        pytest.param(["GW1", "GW2", "GW3"], ["FT1", "FT2"], 3, id="three told, two booked"),
        pytest.param(["GW1", "FT2"], ["FT1", "FT2"], 2, id="one by the bank's own number"),
        pytest.param(["GW1", "FT1"], ["FT1", "FT2"], 2, id="the first by the bank's own number"),
        pytest.param(["FT2"], ["FT1"], 1, id="a number that stands nowhere"),
    ],
)
def test_as_many_payments_as_movements(
    till: AccountTill,
    provider: NotifyingProvider,
    reference: str,
    order: Order,
    notices: list[str],
    booked: list[str],
    payments: int,
) -> None:
    """Two honest transfers of one payer on one day stay two."""
    order(
        lambda: [provider.tells(reference, **gateway(number)) for number in notices],
        lambda: till.books(*(StatementMovement(DUE, reference, ref=number) for number in booked)),
    )

    assert till.hub.count("payment") == payments
    assert till.cases() == ["R03"] * (payments - 1)
    assert till.book()["111"] == DUE * len(booked)
    assert red(till.hub) == []
    assert replayed(till.hub).offenders == []


@EITHER_FIRST
def test_two_numbers_of_the_bank_itself_are_two_payments(
    till: AccountTill, provider: NotifyingProvider, reference: str, order: Order
) -> None:
    order(
        lambda: provider.tells(reference, **gateway("FT9", provider="bank-a")),
        lambda: till.books(StatementMovement(DUE, reference, ref="FT1")),
    )

    assert (till.hub.count("payment"), till.cases()) == (2, ["R03"])
    assert red(till.hub) == []


@EITHER_FIRST
def test_a_number_that_stands_on_another_line_is_that_line_s(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, reference: str, order: Order
) -> None:
    """The gateway passes the bank's numbers on, and its words came to the bank cut short."""
    order(
        lambda: provider.tells(reference, **gateway("FT2")),
        lambda: till.books(
            StatementMovement(DUE, reference, ref="FT1"), StatementMovement(DUE, "NOP LE PHI", ref="FT2")
        ),
    )

    assert till.hub.count("payment") == 2
    assert till.book()["111"] == 2 * DUE
    assert "N01" not in till.cases()
    assert red(till.hub) == []


@EITHER_FIRST
@pytest.mark.parametrize(
    ("days", "payments"),
    [(0, 1), (-1, 1), (1, 2), (-30, 2)],
    ids=["of the day", "of the night before", "of the next day", "of a month before"],
)
def test_their_days_have_to_fit(
    till: AccountTill, provider: NotifyingProvider, reference: str, order: Order, days: int, payments: int
) -> None:
    order(
        lambda: provider.tells(reference, **gateway("GW1", DAY + timedelta(days))),
        lambda: till.books(StatementMovement(DUE, reference, ref="FT1")),
    )

    assert till.hub.count("payment") == payments
    assert red(till.hub) == []


@pytest.mark.parametrize("first", ["bank-a", GATEWAY])
def test_a_movement_that_two_tell_of_is_one_payment(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str, first: str
) -> None:
    """Its line says nothing: the bank's own number is what finds it."""
    tells = {"bank-a": gateway("FT1", provider="bank-a"), GATEWAY: gateway("GW1")}
    provider.tells(reference, **tells.pop(first))
    [other] = tells.values()
    provider.tells(reference, **other)
    assert (till.hub.count("payment"), till.cases(), status(cashier, dossier)) == (1, [], "paid_unconfirmed")

    till.books(StatementMovement(DUE, "NOP LE PHI", ref="FT1"))

    assert (till.hub.count("payment"), till.cases(), status(cashier, dossier)) == (1, [], "paid")
    assert red(till.hub) == []
    assert replayed(till.hub).offenders == []


@EITHER_FIRST
@pytest.mark.parametrize("first", ["bank-a", GATEWAY])
@pytest.mark.parametrize("its_own", ["FT1", "FT2"])
def test_two_halves_of_which_two_watchers_tell_one_each_are_both_notified(
    till: AccountTill,
    cashier: Cashier,
    provider: NotifyingProvider,
    dossier: str,
    reference: str,
    order: Order,
    first: str,
    its_own: str,
) -> None:
    """Until the statement says otherwise they are one movement."""
    watchers = {"bank-a": gateway(its_own, provider="bank-a"), GATEWAY: gateway("GW1")}
    tells = [watchers.pop(first), *watchers.values()]

    order(
        lambda: [provider.tells(reference, amount=DUE // 2, **one) for one in tells],
        lambda: till.books(
            StatementMovement(DUE // 2, reference, ref="FT1"), StatementMovement(DUE // 2, reference, ref="FT2")
        ),
    )

    assert (till.hub.count("payment"), till.cases(), status(cashier, dossier)) == (2, [], "paid")
    assert nobody_told_of(till) == 0
    for _ in range(4):
        till.books()
    assert till.cases() == [], "nobody waits for a third line"
    assert red(till.hub) == []
    assert replayed(till.hub).offenders == []


@EITHER_FIRST
def test_a_third_payment_of_which_nobody_told_is_counted(
    till: AccountTill, provider: NotifyingProvider, reference: str, order: Order
) -> None:
    third = DUE // 3
    order(
        lambda: [
            provider.tells(reference, amount=third, **one)
            for one in (gateway("FT1", provider="bank-a"), gateway("GW1"))
        ],
        lambda: till.books(*(StatementMovement(third, reference, ref=f"FT{number}") for number in (1, 2, 3))),
    )

    assert (till.hub.count("payment"), nobody_told_of(till)) == (3, 1)
    assert red(till.hub) == []
    assert replayed(till.hub).offenders == []


def nobody_told_of(till: AccountTill) -> int:
    """Payments that are counted as not notified (N02)."""
    return len(till.hub.rows("SELECT 1 FROM fee_exception WHERE code = 'N02' AND state <> 'resolved'"))


def test_what_a_gateway_collects_is_no_transfer(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    """It is paid in with a payout: whoever has transferred the fee as well has paid twice."""
    provider.tells(reference=reference, provider="vnpay-t", paid_at=at(DAY))
    provider.tells(reference, **gateway("GW1"))

    assert (till.hub.count("payment"), till.cases()) == (2, ["R03"])
    assert red(till.hub) == []


def test_the_proof_sees_a_movement_that_counts_twice(
    till: AccountTill, provider: NotifyingProvider, reference: str, database_url: str
) -> None:
    """The number is not the bank's: that is what joined them."""
    provider.tells(reference, **gateway("FT9", provider="bank-a"))
    till.books(StatementMovement(DUE, reference, ref="FT1"))
    assert red(till.hub) == []

    with opened(database_url) as conn:
        tampered(conn, "UPDATE payment SET provider = 'sepay-t' WHERE source = 'notification'", tables=("payment",))

    assert any(one.startswith("no movement is two payments because two issuers number it") for one in red(till.hub))
