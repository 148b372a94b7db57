"""Checkpoints: signed by the log, stamped by an authority that may lie, kept by departments that may refuse."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from connectors.errors import Rejected
from connectors.sandbox.runtime_settings import Stamps
from connectors.sandbox.trust_services import time_stamp_response
from connectors.sandbox.witness import goes_on
from hub import clock
from hub.codes import HubCode
from hub.embedded.pki import Pki
from hub.signing import auditing, canonical, checkpoints, cms, custody, merkle, verifier
from hub.signing.checkpoints import CheckpointSchedule
from hub.worker import jobs
from schemas.custody import LogCheckpoint, WitnessedCheckpoint, WitnessReceipt
from tests.scripted_hub import ScriptedHub

WITNESSES = {"rest-a", "soap-a", "soap-b"}
MINUTE = timedelta(minutes=1)
PACE = CheckpointSchedule(every=60, leaves=1_000, again=600, witness_every=86_400)


class FaultyTsa:
    """The development authority's TSA, right or wrong in one way."""

    def __init__(self, pki: Pki) -> None:
        self.authority = pki.authority
        self.wrong: Stamps = "right"

    def stamp(self, request: bytes) -> bytes:
        return time_stamp_response(request, self.authority, clock.now(), self.wrong)


@pytest.fixture
def tsa(hub: ScriptedHub, pki: Pki) -> FaultyTsa:
    played = FaultyTsa(pki)
    hub.players["trust.tsa"] = played
    return played


def receipt_of(handed: WitnessedCheckpoint, signature: bytes | None = None) -> WitnessReceipt:
    checkpoint = canonical.read(LogCheckpoint, base64.b64decode(handed.checkpoint))
    signed = None if signature is None else base64.b64encode(signature).decode()
    return WitnessReceipt(size=checkpoint.size, root=checkpoint.root, received_at=clock.now(), signature=signed)


def enter(hub: ScriptedHub, *numbers: int) -> None:
    with hub.db.transaction() as conn:
        for number in numbers:
            custody.enter(conn, kind="handoff", subject=f"hd_{number}", record=b"%d" % number, signatures=[b"s"])


def keep(hub: ScriptedHub, at: datetime, pace: CheckpointSchedule = PACE) -> None:
    """What the tick does, at a moment of the test's choice."""
    with hub.db.transaction() as conn:
        assert custody.try_lock(conn)
        custody.sequence(conn)
        hub.wake(checkpoints.issue_if_due(conn, hub.catalogue, lambda: hub.signer.log_key(at), pace, at))


def answer(hub: ScriptedHub, reply: Callable[[WitnessedCheckpoint], Any] = receipt_of) -> None:
    """Every department answers the next checkpoint with what ``reply`` makes of it."""
    for code in WITNESSES:
        department = hub.department(code)
        department.answers.append(lambda department=department: reply(department.checkpoints[-1]))


def noon() -> datetime:
    """Tomorrow's in Vietnam: far from the moment at which a new day's turn of the witnesses begins."""
    return (clock.local(clock.now()) + timedelta(days=1)).replace(hour=12, minute=0).astimezone(UTC)


def numbers(hub: ScriptedHub) -> list[tuple[int, bool]]:
    return [
        (row["size"], row["witnessed"])
        for row in hub.rows("SELECT size, witnessed FROM custody_checkpoint ORDER BY number")
    ]


def codes_of(hub: ScriptedHub, kind: str) -> set[str | None]:
    return {row["error_code"] for row in hub.rows("SELECT error_code FROM outbox WHERE kind = %s", kind)}


def test_the_tick_anchors_what_was_signed(hub: ScriptedHub, tsa: FaultyTsa) -> None:
    enter(hub, 1, 2)
    answer(hub)
    jobs.seal_log(hub)
    hub.carry()
    with hub.db.connection() as conn:
        assert custody.anchored_since(conn) is None
        checkpoint = checkpoints.latest(conn)
    assert checkpoint is not None
    signed = verifier.verify(checkpoint.body, checkpoint.signature, hub.signer.trust(), at=clock.now())
    assert "log" in signed.certificate.subject.rfc4514_string()
    assert hub.rows("SELECT checkpoint, authority FROM custody_stamp") == [{"checkpoint": 1, "authority": "trust.tsa"}]


def test_a_checkpoint_is_made_by_time_or_by_number_and_never_for_nothing(hub: ScriptedHub, tsa: FaultyTsa) -> None:
    start = noon()
    keep(hub, start)
    assert numbers(hub) == []
    enter(hub, 1)
    keep(hub, start)
    enter(hub, 2)
    keep(hub, start + MINUTE / 2)
    assert numbers(hub) == [(1, True)]
    keep(hub, start + MINUTE)
    keep(hub, start + 2 * MINUTE)
    assert numbers(hub) == [(1, True), (2, False)]
    enter(hub, *range(3, 6))
    keep(hub, start + MINUTE, CheckpointSchedule(every=60, leaves=3, again=600, witness_every=86_400))
    assert numbers(hub)[-1] == (5, False)


def test_departments_are_handed_a_day_s_first_checkpoint_and_the_proof_that_the_log_only_grew(
    hub: ScriptedHub, tsa: FaultyTsa
) -> None:
    start = clock.now()
    for day in range(4):
        enter(hub, *range(day * 10, day * 10 + 3 + day))
        answer(hub)
        keep(hub, start + timedelta(days=day))
        hub.carry()
    handed = hub.department("soap-a").checkpoints
    records = [canonical.read(LogCheckpoint, base64.b64decode(one.checkpoint)) for one in handed]
    assert [one.held for one in handed] == [0, 3, 7, 12]
    for before, after, one in zip(records, records[1:], handed[1:], strict=False):
        consistency = [bytes.fromhex(hash_) for hash_ in one.consistency]
        roots = bytes.fromhex(before.root), bytes.fromhex(after.root)
        assert merkle.verify_consistency(before.size, roots[0], after.size, roots[1], consistency)
        assert goes_on(before.size, before.root, after.size, after.root, one.consistency)
    assert len(hub.rows("SELECT 1 FROM custody_witness WHERE refusal IS NULL")) == 4 * len(WITNESSES)


def test_what_was_signed_before_a_quiet_day_is_handed_to_the_witnesses_all_the_same(
    hub: ScriptedHub, tsa: FaultyTsa
) -> None:
    friday = noon()
    enter(hub, 1)
    keep(hub, friday)
    enter(hub, 2)
    keep(hub, friday + MINUTE)
    assert numbers(hub) == [(1, True), (2, False)]
    for day in (1, 2):  # nobody signs anything
        keep(hub, friday + timedelta(days=day))
    assert numbers(hub) == [(1, True), (2, False), (2, True)]


def test_a_proof_starts_from_what_the_witness_will_hold_when_it_comes(hub: ScriptedHub, tsa: FaultyTsa) -> None:
    start = clock.now()
    for day in range(3):  # the departments do not answer meanwhile
        enter(hub, day)
        keep(hub, start + timedelta(days=day))
    bodies = hub.rows("SELECT body FROM outbox WHERE counterparty = 'department.rest-a' ORDER BY seq")
    assert [WitnessedCheckpoint.model_validate_json(row["body"]).held for row in bodies] == [0, 1, 2]


def test_a_department_that_can_sign_counter_signs(hub: ScriptedHub, tsa: FaultyTsa, pki: Pki) -> None:
    class Seal:
        """soap-a's seal."""

        holder = pki.authority.seal("soap-a")
        certificate = holder.certificate
        chain = (holder.certificate, pki.authority.issuing.certificate)

        def sign(self, data: bytes) -> bytes:
            return self.holder.key.sign(data, ec.ECDSA(hashes.SHA256()))

    def signed(handed: WitnessedCheckpoint) -> WitnessReceipt:
        return receipt_of(handed, cms.sign(base64.b64decode(handed.checkpoint), Seal(), clock.now()))

    enter(hub, 1)
    answer(hub, signed)
    keep(hub, clock.now())
    hub.carry()
    rows = hub.rows("SELECT counterparty FROM custody_witness WHERE signature IS NOT NULL")
    assert rows == [{"counterparty": "department.soap-a"}]
    assert codes_of(hub, checkpoints.WITNESS) == {None, HubCode.WITNESS_UNTRUE}  # of others it is not the seal


@pytest.mark.parametrize("wrong", ["nonce", "imprint", "time", "rejection", "certificate", "garbage"])
def test_a_lying_authority_s_stamp_is_not_kept_and_the_transfer_says_so(
    hub: ScriptedHub, tsa: FaultyTsa, wrong: Stamps
) -> None:
    tsa.wrong = wrong
    enter(hub, 1)
    answer(hub)
    keep(hub, clock.now())
    hub.carry()
    assert hub.rows("SELECT * FROM custody_stamp") == []
    [row] = hub.rows("SELECT state, error_code FROM outbox WHERE kind = %s", checkpoints.STAMP)
    assert row == {"state": "stuck", "error_code": HubCode.STAMP_UNTRUE}
    with hub.db.connection() as conn:
        assert custody.anchored_since(conn) is not None


def test_a_root_that_nobody_tries_to_have_stamped_any_more_is_signed_anew(hub: ScriptedHub, tsa: FaultyTsa) -> None:
    start = noon()
    tsa.wrong = "imprint"
    enter(hub, 1)
    answer(hub)
    keep(hub, start)
    hub.carry()
    tsa.wrong = "right"
    keep(hub, start + 9 * MINUTE)
    assert numbers(hub) == [(1, True)]
    keep(hub, start + timedelta(seconds=600), CheckpointSchedule(every=60, leaves=1, again=599, witness_every=86_400))
    assert numbers(hub) == [(1, True), (1, False)]


def test_a_witness_s_refusal_is_named_by_the_audit(hub: ScriptedHub, tsa: FaultyTsa) -> None:
    enter(hub, 1)
    for code in WITNESSES:
        hub.department(code).answers.append(Rejected("PARTNER_REJECTED", reason="sổ ngắn hơn"))
    keep(hub, clock.now())
    hub.carry()
    with hub.db.connection() as conn:
        assert {finding.code for finding in auditing.audit(conn).findings} == {auditing.AuditCode.WITNESS_REFUSED}


def test_a_receipt_for_another_checkpoint_is_not_believed(hub: ScriptedHub, tsa: FaultyTsa) -> None:
    enter(hub, 1)
    answer(hub, lambda handed: receipt_of(handed).model_copy(update={"root": "0" * 64}))
    keep(hub, clock.now())
    hub.carry()
    assert codes_of(hub, checkpoints.WITNESS) == {HubCode.WITNESS_UNTRUE}
    assert hub.rows("SELECT * FROM custody_witness") == []


def test_without_the_log_s_key_nothing_is_anchored_and_the_log_goes_on(hub: ScriptedHub, tsa: FaultyTsa) -> None:
    hub.keyring._folder = hub.settings.keys / "none" if hub.settings.keys else None
    enter(hub, 1)
    jobs.seal_log(hub)
    assert numbers(hub) == []
    assert hub.rows("SELECT place FROM custody_leaf") == [{"place": 0}]
