"""Resolutions that move no money: somebody has looked, or somebody else has answered."""

from collections.abc import Mapping

from hub.events import Event
from hub.fees.cases.model import Case
from hub.work import Work


def noted(_: Work, __: Case, ___: Mapping[str, str]) -> list[Event]:
    """It was seen. Where money waits on an account for items, desk.resolve keeps the case open all the same."""
    return []
