"""Who may decide about money: the clerks of fees.toml, and no person twice about the same thing.

Every command that a person gives about money is checked here first. What the hub does by itself (a scheduled job, a
message, a match) is no person's decision and is not checked.
"""

from config.fees import Clerk, ClerkRight
from hub.errors import Forbidden, InvalidState
from hub.locale import vi
from hub.unit_of_work import UnitOfWork


def check_clerk(uow: UnitOfWork) -> None:
    """Check that the actor is a clerk at all: enough for what one person decides alone. Raises Forbidden."""
    _clerk(uow)


def check_proposes(uow: UnitOfWork) -> None:
    """Check that the actor may propose. Raises Forbidden."""
    clerk = _clerk(uow)
    if clerk is not None and ClerkRight.PROPOSE not in clerk.may:
        raise Forbidden(vi("{actor} ({title}): may only agree, not propose", actor=uow.actor, title=clerk.title))


def check_agrees(uow: UnitOfWork, maker: str | None) -> None:
    """Check that the actor may agree to what ``maker`` proposed.

    Raises Forbidden, and InvalidState where they are the same person.
    """
    clerk = _clerk(uow)
    if is_maker(uow, maker):
        raise InvalidState(vi("another person has to agree"))
    if clerk is not None and ClerkRight.AGREE not in clerk.may:
        raise Forbidden(vi("{actor} ({title}): may only propose, not agree", actor=uow.actor, title=clerk.title))


def may_agree(uow: UnitOfWork, maker: str) -> bool:
    """Whether ``check_agrees`` would pass. Raises Forbidden for one who is no clerk."""
    clerk = _clerk(uow)
    return not is_maker(uow, maker) and (clerk is None or ClerkRight.AGREE in clerk.may)


def is_maker(uow: UnitOfWork, maker: str | None) -> bool:
    """Whether the actor is the person who proposed it."""
    return maker == uow.actor


def _clerk(uow: UnitOfWork) -> Clerk | None:
    """The actor's entry in fees.toml; None where it names no clerks, or while decisions are replayed.

    Raises Forbidden.
    """
    settings = uow.catalogue.fee_settings
    if uow.replayed or settings is None or not settings.clerks:
        return None
    clerk = settings.clerk(uow.actor)
    if clerk is None:
        raise Forbidden(vi("{actor}: not in [[clerks]] of fees.toml, may decide nothing", actor=uow.actor))
    return clerk
