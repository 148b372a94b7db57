"""Clerks for the tests: who may propose, who may agree, who may both, and somebody whom nobody has named."""

from typing import Final

from config.fees import Clerk, ClerkRight
from tests.scripted_hub import ScriptedHub

MAKER, OTHER_MAKER, CHECKER, CHIEF = "cli:lap", "cli:lap-hai", "cli:duyet", "cli:truong-phong"
STRANGER: Final = "cli:nguoi-la"

CLERKS: Final = [
    Clerk(account=account, title="Kế toán", may=frozenset(may))
    for account, may in {
        MAKER: [ClerkRight.PROPOSE],
        OTHER_MAKER: [ClerkRight.PROPOSE],
        CHECKER: [ClerkRight.AGREE],
        CHIEF: [ClerkRight.PROPOSE, ClerkRight.AGREE],
    }.items()
]


def named(hub: ScriptedHub) -> None:
    """From now on these clerks decide about money, and nobody else."""
    assert hub.catalogue.fee_settings is not None
    named_clerks = hub.catalogue.fee_settings.model_copy(update={"clerks": CLERKS})
    hub.catalogue = hub.catalogue.model_copy(update={"fee_settings": named_clerks})
