"""Whatever happens to a demand, its status follows from its amounts, and no move is outside the lifecycle."""

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hub.errors import InvalidState, MoveRefused
from hub.fees.demands.model import COLLECTING, LABELS, LIFECYCLE, Amounts, DemandStatusCode

MIGRATION = Path(__file__).parents[3] / "hub" / "migrations" / "versions" / "0001_baseline.sql"
MONEY = ["credit", "seen", "confirm", "reverse", "lift"]
MOVES = ["expire", "renew", "cancel", "settle", "order", "refund", "keep"]
ACTS = st.lists(st.tuples(st.sampled_from(MONEY + MOVES), st.integers(1, 200_000)), max_size=25)


class Book:
    """A demand as the commands treat it: credits by number, what is confirmed of them, and the amounts."""

    def __init__(self, due: int) -> None:
        self.amounts = Amounts(due, 0, 0, 0, DemandStatusCode.ISSUED)
        self.credits: list[tuple[int, bool]] = []

    def do(self, act: str, number: int) -> None:
        now = self.amounts
        if act in ("credit", "seen") and now.status in COLLECTING:
            taken = min(number, now.outstanding)
            self.amounts = now.credited(taken, confirmed=act == "seen")
            self.credits.append((taken, act == "seen"))
        elif act == "confirm" and (waiting := [one for one in self.credits if not one[1]]):
            one = waiting[number % len(waiting)]
            self.amounts = now.shown(one[0])
            self.credits[self.credits.index(one)] = (one[0], True)
        elif act == "reverse" and self.credits:
            taken, confirmed = self.credits.pop(number % len(self.credits))
            self.amounts = now.reversed(taken, confirmed=confirmed)
        elif act == "lift" and now.status in COLLECTING:
            self.amounts = now.lifted(min(number, now.outstanding))
        elif act == "refund" and now.status is DemandStatusCode.REFUND_PENDING:
            self.amounts = now.refunded()
            self.credits.clear()
        else:
            self._moved(act)

    def _moved(self, act: str) -> None:
        closed = {"expire": DemandStatusCode.EXPIRED, "cancel": DemandStatusCode.CANCELLED}
        try:
            if act in closed:
                self.amounts = self.amounts.closed(closed[act])
            elif act == "settle":
                self.amounts = self.amounts.moved(DemandStatusCode.SETTLED)
            elif act == "order" and self.amounts.allocated:
                self.amounts = self.amounts.moved(DemandStatusCode.REFUND_PENDING)
            elif act == "renew":
                self.amounts = self.amounts.renewed()
            elif act == "keep":
                self.amounts = self.amounts.refund_withdrawn()
        except (MoveRefused, InvalidState):
            pass


def follows(amounts: Amounts) -> bool:
    """The CHECK of the migration, in other words."""
    some, whole = amounts.allocated > 0, amounts.outstanding == 0
    shown = amounts.confirmed == amounts.allocated
    return {
        DemandStatusCode.ISSUED: not some and not whole,
        DemandStatusCode.PART_PAID: some and not whole,
        DemandStatusCode.PAID_UNCONFIRMED: some and whole and not shown,
        DemandStatusCode.PAID: some and whole and shown,
        DemandStatusCode.SETTLED: some and whole and shown,
        DemandStatusCode.WAIVED: whole and not some,
        DemandStatusCode.REOPENED: not whole,
        DemandStatusCode.EXPIRED: not whole,
        DemandStatusCode.CANCELLED: not whole,
        DemandStatusCode.REFUND_PENDING: some,
        DemandStatusCode.REFUNDED: not some,
    }[amounts.status]


@given(st.integers(1, 300_000), ACTS)
def test_status_and_amounts_agree_whatever_happens(due: int, acts: list[tuple[str, int]]) -> None:
    book = Book(due)
    for act, number in acts:
        before = book.amounts
        book.do(act, number)
        after = book.amounts

        assert after.due == due == after.waived + after.allocated + after.outstanding
        assert 0 <= after.confirmed <= after.allocated == sum(amount for amount, _ in book.credits)
        assert after.confirmed == sum(amount for amount, confirmed in book.credits if confirmed)
        assert after.outstanding >= 0
        assert follows(after)
        if before.status is not after.status:
            LIFECYCLE.check(before.status, after.status)


@given(st.integers(1, 300_000), ACTS)
def test_money_that_comes_too_late_never_changes_the_status_by_itself(due: int, acts: list[tuple[str, int]]) -> None:
    book = Book(due)
    for act, number in acts:
        before = book.amounts
        book.do(act, number)
        if act in ("credit", "seen") and before.status not in COLLECTING:
            assert book.amounts == before


def test_every_status_has_its_word_its_moves_and_its_amounts_in_the_database() -> None:
    check = MIGRATION.read_text(encoding="utf-8").partition("CHECK (CASE status")[2].partition("END)")[0]
    in_database = set(re.findall(r"WHEN '([a-z_]+)' THEN", check))

    assert set(LABELS) == set(LIFECYCLE.moves) == set(DemandStatusCode)
    assert in_database == {status.value for status in DemandStatusCode}
