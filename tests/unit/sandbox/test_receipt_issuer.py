"""The hub's own connector meets every behaviour of the sandbox's issuer of receipts: both sides mean the same."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from config.catalogue import Catalogue, Issuer
from connectors.errors import ConnectorCode, ContractBroken, Duplicate, Unavailable
from connectors.ports import ReceiptPort
from connectors.registry import PortOptions, port
from connectors.sandbox.receipt_behaviours import RECEIPT_BEHAVIOURS, IssueAnswer, ReceiptBehaviour
from connectors.sandbox.receipt_issuer import receipts_path
from schemas.fee_receipt import FeeReceipt
from tests.receipts import a_receipt, voiding
from tests.unit.sandbox.running import Running, call, sandbox

ISSUER = "receipts.issuer-a"
TAKEN_AND_NOT_TOLD = [
    behaviour
    for behaviour in RECEIPT_BEHAVIOURS
    if behaviour.answer in {IssueAnswer.SILENCE, IssueAnswer.GARBLED, IssueAnswer.ALREADY}
]
TURNED_AWAY = [behaviour for behaviour in RECEIPT_BEHAVIOURS if behaviour.times]


@dataclass(frozen=True)
class SandboxIssuer:
    """The sandbox's issuer, and the hub's port to it."""

    running: Running
    port: ReceiptPort

    def issue(self, receipt: FeeReceipt) -> int:
        return self.port.issue(receipt, receipt.receipt_id).number

    @property
    def book(self) -> list[dict[str, Any]]:
        """Its effect file: the independent witness."""
        path = receipts_path(self.running.data, ISSUER)
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def issuer(tmp_path: Path, catalogue: Catalogue) -> Iterator[SandboxIssuer]:
    with sandbox(tmp_path, [ISSUER], hang_seconds=30) as running:
        yield SandboxIssuer(running, the_port(catalogue, running))


def the_port(catalogue: Catalogue, running: Running) -> ReceiptPort:
    party = catalogue.counterparties[ISSUER]
    assert isinstance(party, Issuer)
    receipt_port: ReceiptPort = port(
        party.model_copy(update={"timeout_seconds": 1.5}), PortOptions(catalogue, running.urls[ISSUER])
    )
    return receipt_port


def for_behaviour(behaviour: ReceiptBehaviour) -> FeeReceipt:
    return a_receipt(1, int(behaviour.suffix))


def test_receipts_are_issued_once_each_under_numbers_that_follow(issuer: SandboxIssuer) -> None:
    assert [issuer.issue(a_receipt(number, number)) for number in (1, 2, 3)] == [1, 2, 3]
    with pytest.raises(Duplicate):
        issuer.issue(a_receipt(2, 2))
    issued = issuer.port.find(a_receipt(2, 2), "")
    assert issued is not None
    assert issued.number == 2
    assert issuer.port.find(a_receipt(9, 9), "") is None
    assert [(line["number"], line["words"]) for line in issuer.book] == [
        (number, "Một trăm hai mươi nghìn đồng") for number in (1, 2, 3)
    ]


def test_however_many_say_the_same_at_once_it_is_issued_once(issuer: SandboxIssuer) -> None:
    def says(_: int) -> bool:
        try:
            issuer.issue(a_receipt())
        except Duplicate:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(says, range(24))) == 1
    assert len(issuer.book) == 1


@pytest.mark.parametrize("behaviour", TAKEN_AND_NOT_TOLD, ids=lambda behaviour: behaviour.name)
def test_what_was_issued_without_a_word_is_found_when_it_is_asked_for(
    issuer: SandboxIssuer, behaviour: ReceiptBehaviour
) -> None:
    with pytest.raises((Unavailable, ContractBroken, Duplicate)) as raised:
        issuer.issue(for_behaviour(behaviour))
    if isinstance(raised.value, Unavailable):
        assert raised.value.outcome_unknown
    issued = issuer.port.find(for_behaviour(behaviour), "")
    assert issued is not None
    assert issued.number == 1
    assert len(issuer.book) == 1


@pytest.mark.parametrize("behaviour", TURNED_AWAY, ids=lambda behaviour: behaviour.name)
def test_what_was_turned_away_had_no_effect_and_is_issued_in_the_end(
    issuer: SandboxIssuer, behaviour: ReceiptBehaviour
) -> None:
    for _ in range(behaviour.times):
        with pytest.raises((Unavailable, ContractBroken)):
            issuer.issue(for_behaviour(behaviour))
        assert issuer.port.find(for_behaviour(behaviour), "") is None
    assert issuer.issue(for_behaviour(behaviour)) == 1


def test_another_number_than_ours_is_told_as_it_is(issuer: SandboxIssuer) -> None:
    [behaviour] = [one for one in RECEIPT_BEHAVIOURS if one.answer is IssueAnswer.OTHER_NUMBER]
    assert issuer.issue(for_behaviour(behaviour)) == 2


def test_a_receipt_becomes_void_once(issuer: SandboxIssuer) -> None:
    receipt = a_receipt()
    with pytest.raises(ContractBroken) as missing:
        issuer.port.void(voiding(receipt), "")
    assert missing.value.code == ConnectorCode.ISSUER
    issuer.issue(receipt)
    issuer.port.void(voiding(receipt), "")
    with pytest.raises(Duplicate):
        issuer.port.void(voiding(receipt), "")
    assert [line["effect"] for line in issuer.book] == ["issued", "voided"]


def test_after_a_restart_it_knows_what_it_has_issued(tmp_path: Path, catalogue: Catalogue) -> None:
    with sandbox(tmp_path, [ISSUER]) as running:
        the_port(catalogue, running).issue(a_receipt(), "")
    with sandbox(tmp_path, [ISSUER]) as running:
        again = the_port(catalogue, running)
        with pytest.raises(Duplicate):
            again.issue(a_receipt(), "")
        assert again.issue(a_receipt(2, 2), "").number == 2


def test_who_does_not_know_the_passwords_is_told_nothing(issuer: SandboxIssuer, catalogue: Catalogue) -> None:
    party = catalogue.counterparties[ISSUER]
    assert isinstance(party, Issuer)
    swapped = party.model_copy(update={"password": party.account_password, "account_password": party.password})
    stranger: ReceiptPort = port(swapped, PortOptions(catalogue, issuer.running.urls[ISSUER]))
    for says in (
        lambda: stranger.issue(a_receipt(), ""),
        lambda: stranger.find(a_receipt(), ""),
        lambda: stranger.void(voiding(a_receipt()), ""),
    ):
        with pytest.raises(ContractBroken) as refused:
            says()
        assert refused.value.code == ConnectorCode.AUTH


def test_the_control_api_shows_what_was_issued(issuer: SandboxIssuer) -> None:
    issuer.issue(a_receipt())
    [shown] = call("GET", f"{issuer.running.control(ISSUER)}/receipts").json()
    assert (shown["number"], shown["amount"]) == (1, 120_000)
    assert "accepted" in issuer.port.check()
