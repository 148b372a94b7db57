"""Towns that are alike: each a hub on a database of its own, the same dossiers, and the same days to be told of them.

What is told to one of them in another order, in other pieces, twice, late or not at all has to come to the same.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any, Final

from config.catalogue import Catalogue
from config.settings import Settings
from hub import dispatch
from hub.clock import VIETNAM
from hub.fees.reconciliation.statements import importing
from schemas.payment_reference import PaymentReference
from tests.bank_files import StatementDraft, StatementMovement, ago, camt
from tests.databases import Databases
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill
from tests.integration.fees.telling import NotifyingProvider
from tests.scripted_hub import ScriptedHub

FIRST: Final = 9
"""days ago"""


@dataclass
class FeeTown:
    """A hub of its own with nine dossiers, what was told of them, and what the account shows."""

    till: AccountTill
    cashier: Cashier
    provider: NotifyingProvider
    references: list[str]

    @property
    def hub(self) -> ScriptedHub:
        return self.till.hub

    @property
    def days(self) -> list[StatementDraft]:
        """Three days: one of each trouble, what comes of them the day after, and a day without movements."""
        a, b, c, d, e, f, g, h, i = self.references
        first = StatementDraft(
            [
                StatementMovement(DUE, a, ref="FT01"),
                StatementMovement(DUE, f"{b[:5]} {b[5:]}", ref="FT02"),
                StatementMovement(DUE - 1_000, c, ref="FT03"),
                StatementMovement(DUE + 1_000, d, ref="FT04"),
                StatementMovement(DUE, e, ref="FT05"),
                StatementMovement(DUE, e, ref="FT06"),
                StatementMovement(2 * DUE, f"{f} {g}", ref="FT07"),
                StatementMovement(DUE, f"phi {h[2:7]}O{h[8:]}" if h[7] == "0" else f"phi {h[2:]}", ref="FT08"),
                StatementMovement(DUE, "NGUYEN VAN THU NGHIEM", ref="FT09"),
                StatementMovement(DUE, str(PaymentReference.issued("TB", 5)), ref="FT10"),
                StatementMovement(DUE, "KHONG CO GI"),
                StatementMovement(DUE, "KHONG CO GI"),
            ],
            day=ago(FIRST),
            sequence=1,
        )
        second = first.next(
            StatementMovement(-DUE, "HOAN TRA", ref="FT21", e2e="FT02", reversal=True),
            StatementMovement(1_000, c, ref="FT22"),
            StatementMovement(-11_000, "PHI DICH VU", ref="FT23"),
            StatementMovement(-DUE, "HOAN TRA", ref="FT24", e2e="FT99", reversal=True),
            StatementMovement(DUE, i, ref="FT25"),
        )
        return [first, second, second.next()]

    @property
    def notices(self) -> list[dict[str, Any]]:
        """What the bank notifies: what comes in and can be told apart; once without the bank's own number."""
        return [
            {
                "text": move.text,
                "amount": move.amount,
                "bank_ref": None if move.ref == "FT01" else move.ref,
                "provider_txn": f"GD {move.ref}",
                "paid_at": datetime.combine(draft.day, time(9), VIETNAM),
            }
            for draft in self.days
            for move in draft.moves
            if move.amount > 0 and move.ref is not None
        ]

    @property
    def gateways_notices(self) -> list[dict[str, Any]]:
        """The same of what names a demand, by a service that watches the account and has numbers of its own."""
        return [
            notice | {"provider": "sepay-t", "bank_ref": f"MBVCB.{notice['provider_txn']}"}
            for notice in self.notices
            if notice["text"] in self.references
        ]

    def tell(self, *notices: dict[str, Any], carry: bool = True) -> None:
        """All of them, or these."""
        for notice in notices or self.notices:
            self.provider.tells(carry=carry, **notice)

    def lay(self, draft: StatementDraft, name: str = "a.xml") -> None:
        """The file comes in; nobody has matched it yet."""
        body = camt(draft)
        dispatch.run_command(self.hub, "ke-toan-a", lambda uow: (importing.bring(uow, self.till.bank, name, body), []))

    def bring(self, *drafts: StatementDraft, name: str = "a.xml") -> None:
        for one in drafts or self.days:
            self.lay(one, name)
            self.hub.carry()

    def outcome(self) -> dict[str, Any]:
        """What the whole chain has come to, without our own ids: whatever was told, in whichever order."""
        files = self.hub.rows("SELECT DISTINCT state FROM statement_file")
        assert [row["state"] for row in files] == ["accepted"]
        return {"digests": self.till.digests()} | {
            name: sorted(tuple(map(str, row.values())) for row in self.hub.rows(query))
            for name, query in OUTCOME_QUERIES.items()
        }


_ABOUT: Final = """
coalesce(
    (SELECT reference FROM fee_demand d WHERE d.id = c.object_id),
    (SELECT concat_ws(' ', l.text, l.amount) FROM statement_line l WHERE l.id::text = c.object_id),
    (SELECT concat_ws(' ', l.text, l.amount) FROM match_leg t JOIN statement_line l ON l.id = t.line_id
     WHERE t.payment_id = c.object_id AND t.number = 1 ORDER BY t.confirmed DESC, t.group_id DESC LIMIT 1),
    c.object_id)
"""
OUTCOME_QUERIES: Final = {
    "demands": "SELECT reference, amount_due, waived, allocated, confirmed, status FROM fee_demand",
    "dossiers": "SELECT d.code, d.status FROM dossier d",
    "lines": """
        SELECT booking_date, bank_ref, text, amount, status,
            CASE state WHEN 'in_exception' THEN 'matched' ELSE state END
        FROM statement_line
    """,
    "payments": """
        SELECT l.text, p.amount, p.allocated, replace(p.status, 'found_on_statement', 'confirmed'), p.business_date
        FROM payment p LEFT JOIN LATERAL (SELECT s.* FROM match_leg t JOIN statement_line s ON s.id = t.line_id
            WHERE t.payment_id = p.id AND t.number = 1 ORDER BY t.confirmed DESC, t.group_id DESC LIMIT 1) l ON true
    """,
    "credits": """
        SELECT d.reference, c.amount, c.confirmed_at IS NOT NULL, c.reversed_at IS NOT NULL
        FROM fee_credit c JOIN fee_demand d ON d.id = c.demand_id
    """,
    "book": """
        SELECT l.account, l.department, l.fee_code, d.reference, sum(l.cr - l.dr) FROM ledger_line l
        LEFT JOIN fee_demand d ON d.id = l.demand_id GROUP BY 1, 2, 3, 4 HAVING sum(l.cr - l.dr) <> 0
    """,
    "days": """
        SELECT l.account, e.business_date, sum(l.cr - l.dr) FROM ledger_line l
        JOIN ledger_entry e ON e.seq = l.entry_seq GROUP BY 1, 2 HAVING sum(l.cr - l.dr) <> 0
    """,
    "cases": f"""
        SELECT code, at_risk, severity, {_ABOUT} FROM fee_exception c WHERE state <> 'resolved' AND code <> 'N02'
    """,
}
"""What has to be the same, named by what others call it.

Of two payments of the same words and amount it says nothing which was the first. A payment has been confirmed, or was
found, by its statement; a line is matched to a payment that was told of, or waits in a case with the one that it made:
these are two words for where the same money is. N02 counts who was not notified.
"""


@contextmanager
def alike(databases: Databases, settings: Settings, catalogue: Catalogue) -> Iterator[Callable[[], FeeTown]]:
    """Makes towns that are alike."""
    with ExitStack() as towns:

        def new_town() -> FeeTown:
            own = settings.model_copy(update={"database_url": towns.enter_context(databases.borrowed()).url})
            hub = towns.enter_context(ScriptedHub(own, catalogue))
            cashier = Cashier(hub)
            dossiers = [cashier.dossier() for _ in range(9)]
            references = [str(cashier.demand(dossier)["reference"]) for dossier in dossiers]
            return FeeTown(AccountTill(hub), cashier, NotifyingProvider(hub), references)

        yield new_town


def in_two(draft: StatementDraft) -> Sequence[StatementDraft]:
    """The same day as two files, the later movements first; files of which the bank counts none."""
    half = len(draft.moves) // 2
    first = replace(draft, moves=draft.moves[half:], id=f"{draft.id}00", sequence=None)
    return first, replace(draft, moves=draft.moves[:half], opening=first.end, sequence=None)


def mixed(draft: StatementDraft) -> StatementDraft:
    """The same day in another order."""
    moves = list(draft.moves)
    return replace(draft, moves=[*moves[6:], *reversed(moves[:6])])


def day_of(notice: dict[str, Any]) -> date:
    paid: datetime = notice["paid_at"]
    return paid.date()
