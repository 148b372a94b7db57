"""Closing while others work: nothing slips in between what was agreed to and the close."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from hub import dispatch
from hub.db import one
from hub.errors import InvalidState
from hub.fees.closing import commands
from hub.fees.closing.store import CloseStep
from hub.fees.ledger import Origin, post, postings
from tests.integration.fees.closing import FIRST, SECOND, Accountants
from tests.integration.fees.matching import AccountTill
from tests.integration.fees.telling import ACCOUNT
from tests.scripted_hub import ScriptedHub


@pytest.fixture
def proposed(till: AccountTill) -> date:
    """A day that one person has proposed to close."""
    accountants, day = Accountants(till), till.books()
    accountants.proves()
    assert accountants.asks(day, FIRST).step is CloseStep.PROPOSED
    return day


def asks(hub: ScriptedHub, day: date, by: str) -> CloseStep | str:
    try:
        closing = dispatch.run_command(hub, by, lambda uow: (commands.close_day(uow, ACCOUNT, day), []))
    except InvalidState as error:
        return str(error)
    return closing.step


def test_what_is_being_posted_is_waited_for_and_counts(hub: ScriptedHub, proposed: date) -> None:
    with ThreadPoolExecutor(1) as threads:
        with hub.db.transaction() as conn:
            post(conn, postings.not_collected(Origin("line", "998", proposed, ACCOUNT), 100))
            post(conn, postings.charged(Origin("line", "999", proposed, ACCOUNT), 100))
            asked = threads.submit(asks, hub, proposed, SECOND)
            waits_for_the_book(hub)
            assert not asked.done()
        assert asked.result(30) is CloseStep.PROPOSED  # what it comes to is something else now

    assert hub.count("day_close") == 0


def test_of_many_who_agree_at_once_one_closes(hub: ScriptedHub, proposed: date) -> None:
    others = [f"ke-toan-{letter}" for letter in "bcde"]
    start = threading.Barrier(len(others))

    def agrees(by: str) -> CloseStep | str:
        start.wait(30)
        return asks(hub, proposed, by)

    with ThreadPoolExecutor(len(others)) as threads:
        came = list(threads.map(agrees, others))

    refused = f"ngày {proposed} của tài khoản {ACCOUNT} đã khóa; muốn sửa thì mở lại bằng hub fee reopen"
    assert sorted(map(str, came)) == sorted(["done", refused, refused, refused])
    assert hub.count("day_close") == 1


def waits_for_the_book(hub: ScriptedHub) -> None:
    """Until somebody waits for the lock under which entries are numbered."""
    for _ in range(300):
        with hub.db.connection() as conn:
            waiting = one(conn, "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND NOT granted", ())
        if waiting["n"]:
            return
        threading.Event().wait(0.1)
    pytest.fail("nobody waits")
