"""The same inputs come to the same, in whatever order and pieces they come, whoever is killed, and however often."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql

from config.catalogue import Catalogue
from config.settings import Settings
from hub import dispatch
from hub.clock import local, now
from hub.fees.matching.run import Busy
from hub.fees.statements import importing
from schemas.payment_reference import PaymentReference
from tests.bank_files import Move, Told, ago, camt
from tests.house import ScriptedHouse
from tests.rooms.fees.conftest import Cashier
from tests.rooms.fees.matching import DUE, Till, red
from tests.rooms.fees.telling import ACCOUNT, Provider

_LEDGER: Final = 7_310_002
_MATCHING: Final = 7_310_010
_numbers = itertools.count(1)


@pytest.fixture
def till(house: ScriptedHouse) -> Till:
    return Till(house)


@dataclass
class Town:
    """A house of its own with eight dossiers, what was told of them, and what the account shows."""

    till: Till
    cashier: Cashier
    provider: Provider
    references: list[str]

    @property
    def moves(self) -> list[Move]:
        a, b, c, d, e, f, g, h = self.references
        return [
            Move(DUE, a, ref="FT01"),
            Move(DUE, f"{b[:5]} {b[5:]}", ref="FT02"),
            Move(DUE - 1_000, c, ref="FT03"),
            Move(DUE + 1_000, d, ref="FT04"),
            Move(DUE, e, ref="FT05"),
            Move(DUE, e, ref="FT06"),
            Move(2 * DUE, f"{f} {g}", ref="FT07"),
            Move(DUE, f"phi {h[2:7]}O{h[8:]}" if h[7] == "0" else f"phi {h[2:]}", ref="FT08"),
            Move(DUE, "NGUYEN VAN THU NGHIEM", ref="FT09"),
            Move(DUE, str(PaymentReference.issued("TB", 5)), ref="FT10"),
            Move(DUE, "KHONG CO GI"),
            Move(DUE, "KHONG CO GI"),
        ]

    def tell(self) -> None:
        """Every payment of the day is notified, with the bank's number."""
        for move in self.moves:
            self.provider.tells(
                move.text, amount=move.amount, bank_ref=move.ref, provider_txn=f"GD {move.ref} {move.text}"
            )

    def bring(self, *told: Told, name: str = "a.xml") -> None:
        for one in told:
            self.lay(one, name)
        self.till.house.carry()

    def lay(self, told: Told, name: str = "a.xml") -> None:
        """The file comes in; nobody has matched it yet."""
        body = camt(told)
        result = dispatch.act(
            self.till.house, "ke-toan-a", lambda work: (importing.bring(work, self.till.bank, name, body), [])
        )
        assert result.is_accepted, result.findings

    def stands(self) -> dict[str, Any]:
        """Where everything has come to, without our own ids."""
        rows = self.till.house.rows(
            "SELECT reference, allocated, confirmed, status FROM fee_demand WHERE reference = ANY(%s) ORDER BY 1",
            self.references,
        )
        return {
            "digest": self.till.digests(),
            "demands": [tuple(row.values()) for row in rows],
            "book": self.till.book(),
        }


@pytest.fixture
def town(server: str, settings: Settings, catalogue: Catalogue) -> Iterator[Callable[[], Town]]:
    """Makes towns that are alike."""
    with ExitStack() as towns:

        def made() -> Town:
            name = f"town_{next(_numbers)}"
            root = server.rpartition("/")[0]
            admin = towns.enter_context(psycopg.connect(f"{root}/postgres", autocommit=True))
            admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE hub").format(sql.Identifier(name)))
            own = settings.model_copy(update={"database_url": f"{root}/{name}"})
            house = towns.enter_context(ScriptedHouse(own, catalogue))
            cashier = Cashier(house)
            dossiers = [cashier.dossier() for _ in range(8)]
            references = [str(cashier.demand(dossier)["reference"]) for dossier in dossiers]
            return Town(Till(house), cashier, Provider(house), references)

        yield made


def whole(town: Town) -> None:
    town.bring(Told(town.moves, day=ago(9)))


def test_the_same_day_comes_to_the_same_however_it_is_told(town: Callable[[], Town]) -> None:
    plain = town()
    plain.tell()
    whole(plain)
    expected = plain.stands()
    assert red(plain.till.house) == []

    def permuted(one: Town) -> None:
        one.tell()
        moves = one.moves
        one.bring(Told([*moves[6:], *reversed(moves[:6])], day=ago(9)))

    def split(one: Town) -> None:
        one.tell()
        first = Told(one.moves[5:], day=ago(9))
        second = Told(one.moves[:5], opening=first.end, day=ago(9), id="2")
        one.bring(first, second)

    def doubled(one: Town) -> None:
        one.tell()
        one.tell()
        told = Told(one.moves, day=ago(9))
        one.bring(told)
        one.bring(told, name="b.xml")
        one.till.matches(ago(9))

    def unheard(one: Town) -> None:
        whole(one)

    def delayed(one: Town) -> None:
        whole(one)
        one.provider.house.carry()
        for move in one.moves:
            if move.ref is not None:
                one.provider.tells(move.text, amount=move.amount, bank_ref=move.ref, provider_txn=f"GD {move.ref}")

    for told in (permuted, split, doubled, unheard, delayed):
        other = town()
        told(other)
        assert other.references == plain.references
        assert other.stands()["digest"] == expected["digest"], told.__name__
        assert other.stands()["demands"] == expected["demands"], told.__name__
        assert red(other.till.house) == [], told.__name__


def test_the_number_of_workers_makes_no_difference(town: Callable[[], Town]) -> None:
    def days(one: Town) -> list[Told]:
        first = Told(one.moves[:4], day=ago(9))
        second = first.next(*one.moves[4:6])
        return [first, second, second.next(*one.moves[6:9]), second.next(*one.moves[6:9]).next(*one.moves[9:])]

    alone = town()
    alone.bring(*days(alone))
    several = town()
    for told in days(several):
        several.lay(told)

    def work() -> None:
        while several.till.house.rows("SELECT 1 FROM inbox WHERE kind = 'fees.match' AND state <> 'handled'"):
            rows = several.till.house.rows("SELECT id FROM inbox WHERE kind = 'fees.match' AND state <> 'handled'")
            for row in rows:
                dispatch.handle(several.till.house, row["id"])

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    several.till.house.carry()

    assert several.stands() == alone.stands()
    assert red(several.till.house) == []


def test_a_run_again_changes_nothing(till: Till, dossier: str, reference: str) -> None:
    day = till.books(Move(DUE, reference), Move(DUE, reference), Move(DUE, "KHONG RO"))
    before = (till.lines(), till.cases(), till.book(), till.digest(day))

    again = till.matches(day)

    assert (till.lines(), till.cases(), till.book(), till.digest(day)) == before
    assert again.digest.hex() == before[3]
    assert {row["state"] for row in till.house.rows("SELECT state FROM recon_run")} == {"completed"}


def test_a_run_that_is_killed_leaves_nothing_and_again_comes_to_the_same(  # O1
    till: Till, database_url: str, dossier: str, reference: str
) -> None:
    day = till.books(Move(DUE, reference), Move(DUE, "KHONG RO"), carry=False)
    expected = till.matches(day, dry=True).digest
    failed: list[BaseException] = []

    def run() -> None:
        try:
            till.matches(day)
        except psycopg.OperationalError as error:
            failed.append(error)

    with psycopg.connect(database_url, autocommit=True) as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(%s)", (_LEDGER,))
        worker = threading.Thread(target=run)
        worker.start()
        killed = False
        while not killed and worker.is_alive():
            killed = bool(
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s"
                    " AND NOT granted",
                    (_LEDGER,),
                ).fetchall()
            )
        worker.join()

    assert failed
    assert [till.house.count(table) for table in ("recon_run", "match_group", "payment", "journal_entry")] == [
        0,
        0,
        0,
        0,
    ]
    assert {row["state"] for row in till.lines()} == {"new"}
    assert till.matches(day).digest == expected
    assert red(till.house) == []


def test_a_dry_run_does_nothing(till: Till, dossier: str, reference: str) -> None:
    day = till.books(Move(DUE, reference), carry=False)

    result = till.matches(day, dry=True)

    assert (result.lines, result.counters["P3"]) == (1, 1)
    assert [till.house.count(table) for table in ("recon_run", "match_group", "payment", "journal_entry")] == [
        0,
        0,
        0,
        0,
    ]
    assert till.matches(day).digest == result.digest


def test_of_two_workers_on_one_account_one_leaves_and_its_message_comes_again(  # O2
    till: Till, cashier: Cashier, database_url: str, dossier: str, reference: str
) -> None:
    day = till.books(Move(DUE, reference), carry=False)

    with psycopg.connect(database_url, autocommit=True) as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_MATCHING, ACCOUNT))
        with pytest.raises(Busy):
            till.matches(day)
        till.house.carry()
        [message] = till.house.rows("SELECT id, state, error_code FROM inbox WHERE kind = 'fees.match'")
        assert (message["state"], message["error_code"]) == ("waiting", "MATCHING_BUSY")

    till.house.make_due(message["id"])
    till.house.sweep()
    till.house.carry()
    assert cashier.demand(dossier)["status"] == "paid"


def test_other_rules_leave_what_is_confirmed_and_propose_anew(  # O3
    till: Till, cashier: Cashier, dossier: str, reference: str
) -> None:
    other = str(cashier.demand(cashier.dossier())["reference"])
    day = till.books(Move(DUE, reference), Move(DUE - 1, other[2:]))
    with till.house.db.connection() as conn:
        conn.execute("UPDATE match_group SET rule_version = 0")
    [before] = till.proposals()

    till.matches(day)

    [after] = till.proposals()
    rows = till.house.rows("SELECT pass, state, rule_version FROM match_group ORDER BY id")
    assert [(row["pass"], row["rule_version"]) for row in rows if row["state"] == "confirmed"] == [("P3", 0), ("P0", 0)]
    assert [row["rule_version"] for row in rows if row["state"] == "proposed"] == [1]
    assert (after["id"] != before["id"], after["demand_id"]) == (True, before["demand_id"])


def test_what_is_found_for_a_closed_day_is_booked_today(  # O5
    till: Till, dossier: str, reference: str
) -> None:
    day = till.books(Move(DUE, reference), carry=False)
    with till.house.db.connection() as conn:
        conn.execute("INSERT INTO day_close (account, day, digest) VALUES (%s, %s, sha256('x'))", (ACCOUNT, day))

    till.house.carry()

    [entry] = till.house.rows("SELECT business_date, source_type, kind FROM journal_entry")
    assert entry == {"business_date": local(now()).date(), "source_type": "line", "kind": "identified"}
    assert red(till.house) == []


def test_two_demands_never_have_one_reference(till: Till, cashier: Cashier, dossier: str) -> None:  # D1
    other = cashier.demand(cashier.dossier())

    with pytest.raises(psycopg.errors.UniqueViolation), till.house.db.transaction() as conn:
        conn.execute(
            "UPDATE fee_demand SET reference = %s WHERE id = %s",
            (cashier.demand(dossier)["reference"], other["id"]),
        )


def test_the_refund_of_what_was_paid_twice_leaves_the_demand_paid(  # D6, D7: the money is on 339, once
    till: Till, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(Move(DUE, reference, ref="FT1"))
    till.books(Move(DUE, reference, ref="FT2"))

    rows = till.house.rows(
        "SELECT item, sum(cr - dr)::bigint AS owed FROM journal_line WHERE account = '339' GROUP BY 1"
    )
    assert [row["owed"] for row in rows] == [DUE]
    assert cashier.demand(dossier)["status"] == "paid"


@pytest.mark.parametrize("day", ["2026-02-28", "2024-02-29", "2025-12-31", "2026-01-01"])
def test_the_edges_of_months_and_years_are_days_like_others(  # O4
    till: Till, cashier: Cashier, dossier: str, reference: str, day: str
) -> None:
    till.always_open()
    till.told = Told([], day=date.fromisoformat(day) - timedelta(days=1))
    body = camt(till.told)
    dispatch.act(till.house, "ke-toan-a", lambda work: (importing.bring(work, till.bank, "0", body), []))

    booked = till.books(Move(DUE, reference))

    assert booked.isoformat() == day
    assert cashier.demand(dossier)["status"] == "paid"
    [payment] = till.house.rows("SELECT business_date, paid_at AT TIME ZONE 'Asia/Ho_Chi_Minh' AS at FROM payment")
    assert payment["business_date"] == payment["at"].date() == booked
