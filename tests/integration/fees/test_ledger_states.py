"""Money in every order that it may move: both sides of the book are equal at each step, and each sum has its item."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from hypothesis.stateful import run_state_machine_as_test as run

from hub.db import Connection
from hub.fees.ledger import LedgerAccount, LedgerEntry, Origin, Share, post, postings
from hub.fees.ledger.entry import spread
from tests import ledger_queries
from tests.integration.fees.booking import ACCOUNT, DAY, opened

AMOUNT = st.integers(1, 10**7)
FEES = (Share("so-tu-phap", "phi-01", 30_000, "fd_1"), Share("so-tu-phap", "lp-02", 20_000, "fd_1"))


class LedgerMachine(RuleBasedStateMachine):
    """Payments, lines and refunds. ``items``: what is open, by account and item, as this machine counts it."""

    conn: ClassVar[Connection]
    in_transit: Bundle[tuple[str, int]] = Bundle("in_transit")
    unknown: Bundle[tuple[str, int]] = Bundle("unknown")
    owed: Bundle[int] = Bundle("owed")
    over: Bundle[tuple[str, int]] = Bundle("over")
    refunds: Bundle[tuple[str, int]] = Bundle("refunds")
    charged_back: Bundle[tuple[str, int]] = Bundle("charged_back")

    @initialize()
    def an_empty_book(self) -> None:
        self._rolled = self.conn.transaction(force_rollback=True)
        self._rolled.__enter__()
        self.bank, self.number = 0, 0
        self.items: dict[tuple[LedgerAccount, str], int] = {}

    def teardown(self) -> None:
        if hasattr(self, "_rolled"):
            self._rolled.__exit__(None, None, None)

    def origin(self) -> Origin:
        self.number += 1
        return Origin("test", str(self.number), DAY, ACCOUNT)

    def write(self, entry: LedgerEntry, bank: int = 0) -> None:
        assert post(self.conn, entry) == post(self.conn, entry)
        self.bank += bank

    def open(self, account: LedgerAccount, item: str, amount: int) -> None:
        self.items[account, item] = self.items.get((account, item), 0) + amount

    @rule(target=in_transit, amount=AMOUNT, over=st.integers(0, 10**6))
    def notified(self, amount: int, over: int) -> Any:
        origin = self.origin()
        item = f"pm_{origin.source_id}"
        self.write(postings.notified(origin, item, [share(amount)], over))
        self.open(LedgerAccount.IN_TRANSIT, item, amount + over)
        self.open(LedgerAccount.OVERPAID, item, -over)
        return item, amount + over

    @rule(target=owed, paid=consumes(in_transit))
    def shown(self, paid: tuple[str, int]) -> int:
        self.write(postings.on_statement(self.origin(), *paid), bank=paid[1])
        self.open(LedgerAccount.IN_TRANSIT, paid[0], -paid[1])
        return paid[1]

    @rule(paid=consumes(in_transit))
    def never_shown(self, paid: tuple[str, int]) -> None:
        over = -self.items.get((LedgerAccount.OVERPAID, paid[0]), 0)
        self.write(postings.unconfirmed(self.origin(), paid[0], [share(paid[1] - over)], over))
        self.open(LedgerAccount.IN_TRANSIT, paid[0], -paid[1])
        self.open(LedgerAccount.OVERPAID, paid[0], over)

    @rule(paid=st.lists(consumes(in_transit), min_size=1, max_size=3), charge=st.integers(0, 100))
    def paid_out_by_a_gateway(self, paid: list[tuple[str, int]], charge: int) -> None:
        total = sum(amount for _, amount in paid)
        charge = min(charge, total - 1)
        if total > charge:
            self.write(postings.gateway_net(self.origin(), paid, charge), bank=total - charge)
            for item, amount in paid:
                self.open(LedgerAccount.IN_TRANSIT, item, -amount)

    @rule(target=unknown, amount=AMOUNT)
    def unidentified(self, amount: int) -> Any:
        origin = self.origin()
        self.write(postings.unidentified(origin, origin.source_id, amount), bank=amount)
        self.open(LedgerAccount.UNIDENTIFIED, origin.source_id, -amount)
        return origin.source_id, amount

    @rule(target=over, line=consumes(unknown), share_of=st.integers(0, 100))
    def identified_later(self, line: tuple[str, int], share_of: int) -> Any:
        taken = line[1] * share_of // 100
        rest = line[1] - taken
        self.write(postings.identified_later(self.origin(), line[0], [share(taken)], rest))
        self.open(LedgerAccount.UNIDENTIFIED, line[0], line[1])
        self.open(LedgerAccount.OVERPAID, line[0], -rest)
        return (line[0], rest) if rest else multiple()

    @rule(target=refunds, paid=consumes(over))
    def refund_of_too_much(self, paid: tuple[str, int]) -> Any:
        origin = self.origin()
        refund = f"rf_{origin.source_id}"
        self.write(postings.refund_ordered(origin, refund, overpaid=[paid]))
        self.open(LedgerAccount.OVERPAID, *paid)
        self.open(LedgerAccount.REFUNDS, refund, -paid[1])
        return refund, paid[1]

    @rule(target=refunds, amount=consumes(owed))
    def refund_of_a_fee(self, amount: int) -> Any:
        origin = self.origin()
        refund = f"rf_{origin.source_id}"
        self.write(postings.refund_ordered(origin, refund, owed=[share(amount)]))
        self.open(LedgerAccount.REFUNDS, refund, -amount)
        return refund, amount

    @rule(target=refunds, refund=consumes(refunds), returned=st.booleans())
    def refund_shown(self, refund: tuple[str, int], returned: bool) -> Any:
        self.write(postings.refund_line(self.origin(), *refund), bank=-refund[1])
        self.open(LedgerAccount.REFUNDS, *refund)
        if not returned:
            return multiple()
        self.write(postings.refund_returned(self.origin(), *refund), bank=refund[1])
        self.open(LedgerAccount.REFUNDS, refund[0], -refund[1])
        return refund

    @rule(amount=consumes(owed))
    def reversed_by_the_bank(self, amount: int) -> None:
        self.write(postings.reversal(self.origin(), [share(amount)]), bank=-amount)

    @rule(target=charged_back, amount=consumes(owed))
    def charged_back_too_late(self, amount: int) -> Any:
        origin = self.origin()
        self.write(postings.transferred(origin, [share(amount)]), bank=-amount)
        item = f"pm_{origin.source_id}"
        self.write(postings.chargeback_after_transfer(self.origin(), item, amount), bank=-amount)
        self.open(LedgerAccount.CHARGEBACK, item, amount)
        return item, amount

    @rule(lost=consumes(charged_back))
    def recovered(self, lost: tuple[str, int]) -> None:
        self.write(postings.recovered(self.origin(), lost[0], [share(lost[1])]))
        self.open(LedgerAccount.CHARGEBACK, lost[0], -lost[1])

    @rule(amount=consumes(owed), basis_points=st.integers(0, 10_000))
    def handed_on(self, amount: int, basis_points: int) -> None:
        retained = amount * basis_points // 10_000
        if retained:
            self.write(postings.retained(self.origin(), [share(retained)]))
        if amount - retained:
            self.write(
                postings.transferred(self.origin(), [share(amount - retained)]),
                bank=retained - amount,
            )

    @rule(amount=st.integers(-(10**6), 10**6).filter(bool))
    def not_collected(self, amount: int) -> None:
        self.write(postings.not_collected(self.origin(), amount), bank=amount)

    @invariant()
    def both_sides_are_equal(self) -> None:
        if not hasattr(self, "_rolled"):
            return
        self.conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
        self.conn.execute("SET CONSTRAINTS ALL DEFERRED")
        nets = {balance.account: balance.net for balance in ledger_queries.trial_balance(self.conn)}
        assert sum(nets.values()) == 0
        assert nets.get(LedgerAccount.BANK, 0) == self.bank
        for account in {account for account, _ in self.items}:
            counted = {item: net for (of, item), net in self.items.items() if of is account and net}
            assert ledger_queries.open_items(self.conn, account) == counted


def share(amount: int) -> Share:
    return Share("so-tu-phap", "phi-01", amount)


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with opened(database_url) as conn:
        yield conn


def test_in_whatever_order_money_moves_the_book_balances(conn: Connection) -> None:
    run(
        type("MoneyHere", (LedgerMachine,), {"conn": conn}),
        settings=settings(max_examples=25, stateful_step_count=25, deadline=None),
    )


def test_parts_end_where_the_whole_would(conn: Connection) -> None:
    whole = {(one.fee_code, one.amount) for one in spread(FEES, 0, 50_000)}
    assert whole == {("phi-01", 30_000), ("lp-02", 20_000)}
    assert [(one.fee_code, one.amount) for one in spread(FEES, 25_000, 10_000)] == [("phi-01", 5_000), ("lp-02", 5_000)]
    with pytest.raises(ValueError, match="more than is owed"):
        spread(FEES, 25_000, 25_001)
