"""What the passes join, what they leave to persons, and what follows in demands and in the book."""

import pytest

from tests.bank_files import Move
from tests.house import ScriptedHouse
from tests.rooms.fees.conftest import Cashier
from tests.rooms.fees.matching import DUE, Till, red
from tests.rooms.fees.telling import Provider


@pytest.fixture
def till(house: ScriptedHouse) -> Till:
    return Till(house)


def test_p1_a_line_with_the_notification_s_bank_number_confirms_it(
    till: Till, cashier: Cashier, provider: Provider, dossier: str, reference: str
) -> None:
    provider.tells(reference, bank_ref="FT1")

    till.books(Move(DUE, "CK", ref="FT1"))

    assert (till.line()["pass"], till.line()["class"], till.line()["state"]) == ("P1", "A", "matched")
    assert till.line()["payment"] == "confirmed"
    assert cashier.demand(dossier)["status"] == "paid"
    assert till.book() == {"111": DUE, "331": -DUE}
    assert red(till.house) == []
