"""Who decides about money: those whom fees.toml names, and nobody twice about the same.

Every verb that a person says about money asks here first. What the hub does by itself (a tick, a message, a match) has
no verb of a person in it and does not ask.
"""

from config.fees import Clerk, ClerkRight
from hub.errors import Forbidden, InvalidState
from hub.locale import vi
from hub.unit_of_work import UnitOfWork


def check_clerk(uow: UnitOfWork) -> None:
    """Whoever says this decides about money at all: enough for what one person settles alone. Raises Forbidden."""
    _clerk(uow)


def check_proposes(uow: UnitOfWork) -> None:
    """Raises Forbidden where the person may not propose."""
    clerk = _clerk(uow)
    if clerk is not None and ClerkRight.PROPOSE not in clerk.may:
        raise Forbidden(vi("{actor} ({title}): may only agree, not propose", actor=uow.actor, title=clerk.title))


def check_agrees(uow: UnitOfWork, maker: str | None) -> None:
    """With what ``maker`` has proposed. Raises Forbidden, and InvalidState for what the same person has proposed."""
    clerk = _clerk(uow)
    if is_maker(uow, maker):
        raise InvalidState(vi("another person has to agree"))
    if clerk is not None and ClerkRight.AGREE not in clerk.may:
        raise Forbidden(vi("{actor} ({title}): may only propose, not agree", actor=uow.actor, title=clerk.title))


def may_agree(uow: UnitOfWork, maker: str) -> bool:
    """Whether ``check_agrees`` would let it pass, for one who decides about money.

    Raises Forbidden for anybody else.
    """
    clerk = _clerk(uow)
    return not is_maker(uow, maker) and (clerk is None or ClerkRight.AGREE in clerk.may)


def is_maker(uow: UnitOfWork, maker: str | None) -> bool:
    """Whether this is the person who has proposed it."""
    return maker == uow.actor


def _clerk(uow: UnitOfWork) -> Clerk | None:
    """As whom the person decides; None: nobody is named, or it was decided before. Raises Forbidden."""
    desk = uow.catalogue.fee_desk
    if uow.replayed or desk is None or not desk.clerks:
        return None
    clerk = desk.clerk(uow.actor)
    if clerk is None:
        raise Forbidden(vi("{actor}: not in [[clerks]] of fees.toml, may decide nothing", actor=uow.actor))
    return clerk
