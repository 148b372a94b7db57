"""The same inputs come to the same, in whatever order and pieces they come, whoever is killed, and however often."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import sql

from config.catalogue import Catalogue
from config.settings import Settings
from hub import dispatch
from hub.fees.statements import importing
from schemas.payment_reference import PaymentReference
from tests.bank_files import Move, Told, ago, camt
from tests.house import ScriptedHouse
from tests.rooms.fees.conftest import Cashier
from tests.rooms.fees.matching import DUE, Till, red
from tests.rooms.fees.telling import Provider

_numbers = itertools.count(1)


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
