"""The scanned signed minute: for receivers that cannot sign, and for papers that went by post."""

import hashlib
from datetime import datetime, timedelta
from itertools import permutations

import pytest

from hub import dispatch
from hub.clock import now
from hub.errors import InvalidState
from hub.events import ConsignmentDelivered
from hub.handoffs import minutes, service
from hub.handoffs.minutes import ScannedMinute
from hub.signing import canonical
from schemas.handoff import Carrier
from tests.builders import PROCEDURES, a_receipt, a_submission, submission_arrival
from tests.counterparts import DepartmentSeal, record_of
from tests.integration.handoffs.handing import hand_over, leaves, row_of
from tests.scripted_hub import ScriptedHub

SCAN = b"%PDF-1.7 a scan of a signed minute"
NAMES = ("Nguyễn Thị Bên Giao", "Trần Văn Bên Nhận")


def a_minute(file: bytes = SCAN, at: datetime | None = None) -> ScannedMinute:
    return ScannedMinute(file=file, signers=NAMES, at=at or now())


def enter(hub: ScriptedHub, handoff_id: str, minute: ScannedMinute | None = None) -> str:
    scanned = minute or a_minute()
    return str(dispatch.run_command(hub, "op", lambda uow: minutes.enter(uow, handoff_id, scanned)))


def deliver(hub: ScriptedHub, handoff_id: str) -> None:
    event = ConsignmentDelivered(row_of(hub, handoff_id)["dossier_id"], "cs_1", handoff_id, now())

    dispatch.run_command(hub, "postal.post-a", lambda uow: (None, service.papers_delivered(uow, event)))


def by_post(hub: ScriptedHub, department: str) -> None:
    """From now on the papers of this department's procedure go by post."""
    code = PROCEDURES[department]
    procedures = dict(hub.catalogue.procedures)
    procedures[code] = procedures[code].model_copy(update={"carrier": Carrier.POST})
    hub.catalogue = hub.catalogue.model_copy(update={"procedures": procedures})


def test_a_minute_completes_what_a_receiver_without_a_signature_has_taken(hub: ScriptedHub) -> None:
    handed = hand_over(hub, a_receipt(), department="rest-a")
    minute = a_minute()
    assert enter(hub, handed.id, minute) == "complete"
    row = row_of(hub, handed.id)
    assert (row["status"], row["taken_at"]) == ("complete", minute.at), "the minute's time is the legal one"
    ours, entered = leaves(hub, handed.id)
    assert (ours.kind, entered.kind, len(entered.signatures)) == ("handoff", "minute", 2)
    assert entered.record is not None
    record = canonical.decode(entered.record)
    assert record["record"] == hashlib.sha256(record_of(handed)).hexdigest()
    assert (record["scan"]["sha256"], record["signers"]) == (hashlib.sha256(SCAN).hexdigest(), 2)


def test_the_names_on_a_minute_stand_beside_it_and_not_in_the_log(hub: ScriptedHub) -> None:
    handed = hand_over(hub, a_receipt(), department="rest-a")
    enter(hub, handed.id)
    [stored] = hub.rows("SELECT signers, file FROM handoff_minute")
    assert (tuple(stored["signers"]), stored["file"]) == (NAMES, SCAN)
    for leaf in leaves(hub, handed.id):
        assert leaf.record is not None
        assert not any(name in leaf.record.decode() for name in NAMES)


@pytest.mark.parametrize("order", list(permutations(("receipt", "minute", "delivery"))), ids=" ".join)
def test_papers_by_post_are_handed_over_with_delivery_and_minute_in_any_order(
    hub: ScriptedHub, order: tuple[str, ...]
) -> None:
    by_post(hub, "rest-a")
    hub.department("rest-a").answers.append(a_receipt())
    message = hub.accept(submission_arrival(a_submission("rest-a")))
    dispatch.handle(hub, message.id)
    held, hub.waiting = list(hub.waiting), type(hub.waiting)()
    [row] = hub.rows("SELECT id FROM handoff")
    handed_id = str(row["id"])
    for number, step in enumerate(order):
        assert row_of(hub, handed_id)["status"] != "complete", f"before step {number}"
        if step == "receipt":
            hub.wake(held)
            hub.carry()
        elif step == "minute":
            enter(hub, handed_id)
        else:
            deliver(hub, handed_id)
        has = set(order[: number + 1])
        if {"minute", "delivery"} <= has:
            assert row_of(hub, handed_id)["status"] == "complete"
            break
    hub.wake(held)
    hub.carry()
    assert row_of(hub, handed_id)["status"] == "complete"
    assert hub.rows("SELECT status FROM dossier")[0]["status"] == "accepted"


def test_a_department_that_signs_is_not_replaced_by_a_minute(hub: ScriptedHub, seal: DepartmentSeal) -> None:
    handed = hand_over(hub, lambda handoff: seal.receipt(handoff, signed=False))
    with pytest.raises(InvalidState, match="signs its receipts itself"):
        enter(hub, handed.id)


@pytest.mark.parametrize(
    "wrong",
    [
        a_minute(b""),
        a_minute(b"GIF89a"),
        a_minute(SCAN + b"x" * minutes.LARGEST),
        a_minute(at=now() - timedelta(days=1)),
        a_minute(at=now() + timedelta(hours=1)),
    ],
    ids=["empty", "no scan", "too large", "before the handoff", "in the future"],
)
def test_a_minute_that_cannot_be_one_is_refused(hub: ScriptedHub, wrong: ScannedMinute) -> None:
    handed = hand_over(hub, a_receipt(), department="rest-a")
    with pytest.raises(InvalidState):
        enter(hub, handed.id, wrong)
    assert hub.count("handoff_minute") == 0


def test_a_handoff_has_one_minute(hub: ScriptedHub) -> None:
    handed = hand_over(hub, a_receipt(), department="rest-a")
    enter(hub, handed.id)
    with pytest.raises(InvalidState, match="already"):
        enter(hub, handed.id)
