"""What a payer is told of a demand: where it stands in words of theirs, what is left to pay, and how."""

from typing import Final

from hub.fees.demands import vietqr
from hub.fees.demands.model import COLLECTING, Amounts, Demand, DemandStatusCode
from schemas.portal import FeeNotice

PAID: Final = frozenset({DemandStatusCode.PAID_UNCONFIRMED, DemandStatusCode.PAID, DemandStatusCode.SETTLED})
"""The payer has done their part; what we still compare is ours."""


def word(status: DemandStatusCode) -> str:
    """The status as a payer sees it."""
    return DemandStatusCode.PAID.value if status in PAID else status.value


def differs(before: Amounts, after: Amounts) -> bool:
    """Whether a payer sees a difference."""
    return (word(before.status), before.outstanding) != (word(after.status), after.outstanding)


def notice(demand: Demand) -> FeeNotice:
    """What the portal hears."""
    return FeeNotice(
        demand_id=demand.id,
        status=word(DemandStatusCode(demand.status)),
        amount_due=demand.amount_due,
        outstanding=demand.outstanding,
        reference=demand.reference,
        qr=qr(demand),
        expires_at=demand.expires_at,
    )


def qr(demand: Demand) -> str | None:
    """The VietQR text for what is outstanding; None while money that came would not count."""
    if demand.status not in COLLECTING:
        return None
    return vietqr.encode(
        vietqr.PayerTransfer(demand.bank_bin, demand.account, demand.outstanding, purpose=demand.reference)
    )
