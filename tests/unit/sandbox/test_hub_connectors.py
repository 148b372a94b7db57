"""The hub's own connectors meet every behaviour: both sides of a dialect mean the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.catalogue import Catalogue
from connectors.errors import ContractBroken, Duplicate, Rejected, Unavailable
from connectors.ports import DepartmentPort
from connectors.registry import portal_port
from connectors.sandbox.department import REASON
from connectors.sandbox.dossier_behaviours import BEHAVIOURS, DepartmentAnswer, DossierBehaviour
from schemas.department import Handoff, HandoffReceipt
from tests.unit.sandbox.running import DEPARTMENTS, Running, a_handoff, sandbox, until
from tests.unit.sandbox.test_portal_receiver import a_notice

ACCEPTING = [
    behaviour for behaviour in BEHAVIOURS if behaviour.answer in {DepartmentAnswer.RECEIPT, DepartmentAnswer.SLOW}
]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    counterparties = [*(f"department.{code}" for code in DEPARTMENTS), "portal.cong-dvc"]
    with sandbox(tmp_path, counterparties, hang_seconds=0.1) as started:
        yield started


def taken(running: Running, code: str) -> list[str]:
    """The dossiers that the department has taken, as its effect file says."""
    return [effect.dossier_code for effect in running.effects(f"department.{code}")]


def is_found(port: DepartmentPort, handoff: Handoff) -> bool:
    return port.find(handoff, "tr_1") is not None


@pytest.mark.parametrize("behaviour", ACCEPTING, ids=lambda behaviour: behaviour.name)
def test_what_is_accepted_has_a_receipt_and_is_found(
    running: Running, port: DepartmentPort, code: str, behaviour: DossierBehaviour
) -> None:
    handoff = a_handoff(int(behaviour.suffix), code)
    receipt = port.submit(handoff, "tr_1")
    assert port.find(handoff, "tr_1") == receipt
    assert taken(running, code) == [handoff.dossier_code]


def test_a_refusal_is_rejected_with_its_reason(running: Running, port: DepartmentPort, code: str) -> None:
    handoff = a_handoff(9002, code)
    with pytest.raises(Rejected) as refused:
        port.submit(handoff, "tr_1")
    assert refused.value.reason == REASON
    assert not is_found(port, handoff)
    assert taken(running, code) == []


def test_silence_is_an_unknown_outcome_until_it_is_asked(running: Running, port: DepartmentPort, code: str) -> None:
    handoff = a_handoff(9003, code)
    with pytest.raises(Unavailable) as silent:
        port.submit(handoff, "tr_1")
    assert silent.value.outcome_unknown
    assert is_found(port, handoff)
    assert taken(running, code) == [handoff.dossier_code]


def test_a_fault_is_tried_again_and_ends_well(running: Running, port: DepartmentPort, code: str) -> None:
    handoff = a_handoff(9004, code)
    for _ in range(2):
        with pytest.raises(Unavailable):
            port.submit(handoff, "tr_1")
        assert not is_found(port, handoff)
    assert isinstance(port.submit(handoff, "tr_1"), HandoffReceipt)
    assert taken(running, code) == [handoff.dossier_code]


def test_busy_says_when_to_come_back(running: Running, port: DepartmentPort, code: str) -> None:
    handoff = a_handoff(9005, code)
    with pytest.raises(Unavailable) as busy:
        port.submit(handoff, "tr_1")
    assert (busy.value.retry_after, busy.value.outcome_unknown) == (2, False)
    assert taken(running, code) == []
    port.submit(handoff, "tr_1")


def test_a_duplicate_is_a_success_that_can_be_asked_for(running: Running, port: DepartmentPort, code: str) -> None:
    handoff = a_handoff(9006, code)
    with pytest.raises(Duplicate):
        port.submit(handoff, "tr_1")
    assert is_found(port, handoff)
    assert taken(running, code) == [handoff.dossier_code]


def test_a_malformed_reply_breaks_the_contract_and_the_dossier_is_found(
    running: Running, port: DepartmentPort, code: str
) -> None:
    handoff = a_handoff(9007, code)
    with pytest.raises(ContractBroken):
        port.submit(handoff, "tr_1")
    assert is_found(port, handoff)
    assert taken(running, code) == [handoff.dossier_code]


def test_the_feed_is_read_to_its_end(port: DepartmentPort, code: str, catalogue: Catalogue) -> None:
    handoff = a_handoff(9001, code)
    port.submit(handoff, "tr_1")
    until(lambda: len(port.changes("").reports) == 4)
    page = port.changes("")
    meanings = [catalogue.departments[code].status[report.status] for report in page.reports]
    assert meanings == ["accepted", "in_process", "resolved", "returned"]
    assert port.changes(page.cursor).reports == []


def test_the_check_finds_everybody_well(port: DepartmentPort) -> None:
    assert "accepted" in port.check()


def test_the_portal_takes_the_hub_s_notices_once(running: Running, catalogue: Catalogue) -> None:
    (endpoint,) = [one for one in catalogue.portal.endpoints if one.code == "cong-dvc"]
    portal = portal_port(endpoint, catalogue, running.urls["portal.cong-dvc"], ["127.0.0.0/8"])
    portal.tell(a_notice(), "evt_1")
    portal.tell(a_notice(), "evt_1")
    assert [notice.key for notice in running.notices("portal.cong-dvc")] == ["evt_1"]
