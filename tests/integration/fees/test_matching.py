"""What the passes join, what they leave to persons, and what follows in demands and in the book."""

import pytest

from tests.bank_files import StatementMovement
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, red, status
from tests.integration.fees.telling import ACCOUNT, NotifyingProvider


def test_p1_a_line_with_the_notification_s_bank_number_confirms_it(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    provider.tells(reference, bank_ref="FT1")

    till.books(StatementMovement(DUE, "CK", ref="FT1"))

    assert (till.line()["pass"], till.line()["class"], till.line()["state"]) == ("P1", "A", "matched")
    assert till.line()["payment"] == "confirmed"
    assert status(cashier, dossier) == "paid"
    assert till.book() == {"111": DUE, "331": -DUE}
    assert red(till.hub) == []


def test_p1_the_same_number_and_another_amount_is_a_conflict(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    provider.tells(reference, bank_ref="FT1")

    till.books(StatementMovement(DUE - 1, reference, ref="FT1"))

    assert till.cases() == ["N03"]
    assert status(cashier, dossier) == "paid_unconfirmed"
    assert till.book() == {"111": DUE - 1, "112": DUE, "331": -DUE, "338": 1 - DUE}
    assert red(till.hub) == []


def test_p1_what_was_notified_without_proof_of_success_is_credited_by_the_statement(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    provider.tells(reference, bank_ref="FT1", proven=False)
    assert status(cashier, dossier) == "issued"

    till.books(StatementMovement(DUE, "CK", ref="FT1"))

    assert (till.line()["pass"], status(cashier, dossier)) == ("P3", "paid")
    assert till.book() == {"111": DUE, "331": -DUE}
    assert red(till.hub) == []


def test_p2_a_virtual_account_names_its_demand(till: AccountTill, cashier: Cashier, dossier: str) -> None:
    with till.hub.db.connection() as conn:
        conn.execute(
            "INSERT INTO virtual_account (number, account, demand_id) VALUES ('96024170001', %s, %s)",
            (ACCOUNT, cashier.demand(dossier)["id"]),
        )

    till.books(StatementMovement(DUE, "NOP VAO TK 96024170001"))

    assert (till.line()["pass"], till.line()["class"], status(cashier, dossier)) == ("P2", "A", "paid")
    assert red(till.hub) == []


def test_p3_a_lost_notification_delays_nothing_beyond_the_statement(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, f"MBVCB.123.{reference}.CT tu 0011002233 toi 1020304050607", ref="FT1"))

    line = till.line()
    assert (line["pass"], line["class"], line["payment"]) == ("P3", "A", "found_on_statement")
    assert (line["demand_id"], line["counted"]) == (cashier.demand(dossier)["id"], DUE)
    assert status(cashier, dossier) == "paid"
    assert cashier.handed(dossier)
    assert till.hub.rows("SELECT code, at_risk FROM fee_exception") == [{"code": "N02", "at_risk": 0}]
    assert red(till.hub) == []


def test_p3_a_notification_without_the_bank_s_number_is_known_by_its_reference(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    provider.tells(reference)

    till.books(StatementMovement(DUE, reference, ref="FT9"))

    assert (till.line()["pass"], till.line()["payment"]) == ("P3", "confirmed")
    assert status(cashier, dossier) == "paid"
    assert till.hub.count("payment") == 1
    assert red(till.hub) == []


def test_a_late_notification_of_what_the_statement_has_shown_changes_nothing(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference, ref="FT1"))
    provider.tells(reference, bank_ref="FT1")

    assert till.hub.count("payment") == 1
    assert status(cashier, dossier) == "paid"
    assert red(till.hub) == []


@pytest.mark.parametrize(
    ("amount", "expected_status", "cases", "book"),
    [
        (DUE - 1, "part_paid", ["R04"], {"111": DUE - 1, "331": 1 - DUE}),
        (DUE + 1, "paid", ["R05"], {"111": DUE + 1, "331": -DUE, "339": -1}),
    ],
)
def test_p4_no_amount_is_near_enough(  # D4
    till: AccountTill,
    cashier: Cashier,
    dossier: str,
    reference: str,
    amount: int,
    expected_status: str,
    cases: list[str],
    book: object,
) -> None:
    till.books(StatementMovement(amount, reference))

    assert (till.line()["pass"], till.line()["class"]) == ("P4", "B")
    assert (status(cashier, dossier), till.cases(), till.book()) == (expected_status, cases, book)
    assert red(till.hub) == []


def test_p4_the_rest_of_a_short_payment_closes_its_case(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE - 1, reference))
    till.books(StatementMovement(1, reference))

    assert (status(cashier, dossier), till.cases()) == ("paid", [])
    assert red(till.hub) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda reference: reference.replace("0", "O", 2),
        lambda reference: f"{reference[:7]} {reference[7:]}",
        lambda reference: f"{reference[:5]}\n{reference[5:]}",
        lambda reference: reference[2:],
        lambda reference: reference[1:],
        lambda reference: reference.replace("1", "l", 1).replace("5", "S", 1),
    ],
)
def test_p5_a_repaired_reference_that_is_the_only_one_confirms_itself(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str, damage: object
) -> None:
    assert callable(damage)

    till.books(StatementMovement(DUE, f"NOP PHI {damage(reference)} cam on"))

    assert (till.line()["pass"], till.line()["class"]) == ("P5", "A")
    assert status(cashier, dossier) == "paid"
    assert red(till.hub) == []


def test_p5_with_another_amount_it_is_a_proposal(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE - 1, f"NOP PHI {reference[2:]}"))

    [proposal] = till.proposals()
    assert (proposal["pass"], proposal["class"], proposal["demand_id"]) == ("P5", "C", cashier.demand(dossier)["id"])
    assert proposal["evidence"]["shown"] == reference[2:]
    assert (status(cashier, dossier), till.cases(), till.line()["state"]) == ("issued", ["R01"], "in_exception")
    assert red(till.hub) == []


def test_p6_a_dossier_code_is_a_proposal(till: AccountTill, cashier: Cashier, dossier: str) -> None:
    [row] = till.hub.rows("SELECT code FROM dossier WHERE id = %s", dossier)

    till.books(StatementMovement(DUE, f"phi ho so {row['code']}"))

    [proposal] = till.proposals()
    assert (proposal["pass"], proposal["class"], proposal["demand_id"]) == ("P6", "B", cashier.demand(dossier)["id"])
    assert (status(cashier, dossier), till.cases()) == ("issued", ["R01"])
    assert red(till.hub) == []
