"""Who decides about money: those whom fees.toml names, and nobody twice about the same.

Every verb that a person says about money asks here first. What the hub does by itself (a tick, a message, a match) has
no verb of a person in it and does not ask.
"""

from config.fees import Clerk, Right
from hub.errors import MayNot, NotNow
from hub.work import Work


def check_clerk(work: Work) -> None:
    """Whoever says this decides about money at all: enough for what one person settles alone. Raises MayNot."""
    _clerk(work)


def check_proposes(work: Work) -> None:
    """Raises MayNot where the person may not propose."""
    clerk = _clerk(work)
    if clerk is not None and Right.PROPOSE not in clerk.may:
        raise MayNot(f"{work.actor} ({clerk.title}): chỉ được đồng ý, không được đề nghị")


def check_agrees(work: Work, maker: str | None) -> None:
    """With what ``maker`` has proposed. Raises MayNot, and NotNow for what the same person has proposed."""
    clerk = _clerk(work)
    if is_maker(work, maker):
        raise NotNow("cần người khác đồng ý")
    if clerk is not None and Right.AGREE not in clerk.may:
        raise MayNot(f"{work.actor} ({clerk.title}): chỉ được đề nghị, không được đồng ý")


def may_agree(work: Work, maker: str) -> bool:
    """Whether ``check_agrees`` would let it pass, for one who decides about money. Raises MayNot for anybody else."""
    clerk = _clerk(work)
    return not is_maker(work, maker) and (clerk is None or Right.AGREE in clerk.may)


def is_maker(work: Work, maker: str | None) -> bool:
    """Whether this is the person who has proposed it."""
    return maker == work.actor


def _clerk(work: Work) -> Clerk | None:
    """As whom the person decides; None: nobody is named, or it was decided before. Raises MayNot."""
    desk = work.catalogue.fee_desk
    if work.replayed or desk is None or not desk.clerks:
        return None
    clerk = desk.clerk(work.actor)
    if clerk is None:
        raise MayNot(f"{work.actor}: không có trong [[clerks]] của fees.toml, không được quyết định")
    return clerk
