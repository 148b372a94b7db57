"""Receipts of the hub at the sandbox's issuer, over real sockets: issued once each, whatever happens on the way."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from config.catalogue import Issuer
from connectors.registry import PortOptions, port
from connectors.sandbox.receipt_issuer import Entered, receipts_path
from hub import operations
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.registry import Registry
from tests.integration.fees.telling import DUE
from tests.scripted_hub import ScriptedHub
from tests.unit.sandbox.running import Running, sandbox

ISSUER = "receipts.issuer-a"


@dataclass(frozen=True)
class IssuingHub:
    """The hub, whose port to the issuer is the real one."""

    hub: ScriptedHub
    registry: Registry
    cashier: Cashier
    running: Running

    def pays(self, suffix: str) -> None:
        """A dossier whose code ends so is paid, and its receipts are issued."""
        dossier = self.cashier.dossier()
        with self.hub.db.connection() as conn:
            conn.execute(
                "UPDATE dossier SET raw_code = left(raw_code, length(raw_code) - 4) || %s WHERE id = %s",
                (suffix, dossier),
            )
        self.cashier.pays(dossier, DUE, confirmed=True)
        self.registry.ticks()

    def again(self) -> None:
        """The next time that something is due."""
        with self.hub.db.connection() as conn:
            conn.execute("UPDATE outbox SET due_at = now() WHERE settled_at IS NULL")
            conn.execute("UPDATE counterparty SET breaker_open_until = NULL")
        self.hub.sweep()
        self.hub.carry()

    @property
    def entered(self) -> list[Entered]:
        """What the issuer has, by its own book."""
        lines = receipts_path(self.running.data, ISSUER).read_text(encoding="utf-8").splitlines()
        return [Entered.model_validate_json(line) for line in lines]

    def agree(self) -> bool:
        """Whether both books hold the same receipts under the same numbers."""
        ours = {(one.series, one.number, one.amount, one.published_at is not None) for one in self.registry.receipts()}
        theirs = {(f"{one.pattern} {one.serial}", one.number, one.amount, True) for one in self.entered}
        return ours == theirs and len(theirs) == len(self.entered)


@pytest.fixture
def issuing(hub: ScriptedHub, registry: Registry, cashier: Cashier, tmp_path: Path) -> Iterator[IssuingHub]:
    with sandbox(tmp_path, [ISSUER]) as running:
        party = hub.catalogue.counterparties[ISSUER]
        assert isinstance(party, Issuer)
        quick = party.model_copy(update={"timeout_seconds": 1.0})
        hub.players[ISSUER] = port(quick, PortOptions(hub.catalogue, running.urls[ISSUER]))
        registry.ticks()
        yield IssuingHub(hub, registry, cashier, running)


def test_both_sides_come_to_the_same_numbers(issuing: IssuingHub) -> None:
    for suffix in ("0001", "0002", "0003"):
        issuing.pays(suffix)
    assert issuing.agree()
    assert sorted(one.number for one in issuing.registry.receipts()) == [1, 1, 2, 2, 3, 3]


def test_what_was_issued_without_an_answer_is_asked_for_found_and_not_issued_again(issuing: IssuingHub) -> None:
    issuing.pays("9201")
    assert set(issuing.registry.transfers()) == {("receipt.issue", "unknown")}
    assert len(issuing.entered) == 2
    issuing.again()
    assert set(issuing.registry.transfers()) == {("receipt.issue", "delivered")}
    assert issuing.agree()
    asked = issuing.hub.rows("SELECT queried_first, outcome FROM attempt WHERE number = 2 AND queried_first")
    assert [row["outcome"] for row in asked] == ["ok", "ok"]


@pytest.mark.parametrize("suffix", ["9202", "9203", "9204", "9207"])
def test_every_other_hindrance_ends_by_itself_with_one_receipt_on_both_sides(issuing: IssuingHub, suffix: str) -> None:
    issuing.pays(suffix)
    for _ in range(4):
        assert ("receipt.issue", "stuck") not in issuing.registry.transfers()
        issuing.again()
    assert set(issuing.registry.transfers()) == {("receipt.issue", "delivered")}
    assert issuing.agree()


def test_a_garbled_answer_waits_for_a_person_who_asks(issuing: IssuingHub) -> None:
    issuing.pays("9205")
    stuck = issuing.hub.rows("SELECT id FROM outbox WHERE state = 'stuck'")
    assert len(stuck) == 2
    for row in stuck:
        operations.check(issuing.hub, row["id"], actor="ke-toan-a")
    assert issuing.agree()


def test_an_expired_certificate_holds_the_series_up_and_no_number_is_lost(issuing: IssuingHub) -> None:
    issuing.pays("9206")
    issuing.pays("0002")
    assert [state for _, state in issuing.registry.transfers()] == ["stuck", "stuck", "queued", "queued"]
    for row in issuing.hub.rows("SELECT id FROM outbox WHERE state = 'stuck'"):
        operations.replay(issuing.hub, row["id"], actor="ke-toan-a", reason="chứng thư mới")
    issuing.hub.carry()
    issuing.again()
    assert issuing.agree()


def test_a_number_that_the_issuer_left_out_is_noticed(issuing: IssuingHub) -> None:
    issuing.pays("9208")
    assert not issuing.agree()
    assert [why for _, why in issuing.registry.cases()] == ["other number", "other number"]
