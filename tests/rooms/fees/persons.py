"""Clerks for the tests: who may propose, who may agree, who may both, and somebody whom nobody has named."""

from typing import Final

from config.fees import Clerk, Right
from tests.house import ScriptedHouse

MAKER, OTHER_MAKER, CHECKER, CHIEF = "cli:lap", "cli:lap-hai", "cli:duyet", "cli:truong-phong"
STRANGER: Final = "cli:nguoi-la"

CLERKS: Final = [
    Clerk(account=account, title="Kế toán", may=frozenset(may))
    for account, may in {
        MAKER: [Right.PROPOSE],
        OTHER_MAKER: [Right.PROPOSE],
        CHECKER: [Right.AGREE],
        CHIEF: [Right.PROPOSE, Right.AGREE],
    }.items()
]


def named(house: ScriptedHouse) -> None:
    """From now on these clerks decide about money, and nobody else."""
    assert house.catalogue.fee_desk is not None
    desk = house.catalogue.fee_desk.model_copy(update={"clerks": CLERKS})
    house.catalogue = house.catalogue.model_copy(update={"fee_desk": desk})
