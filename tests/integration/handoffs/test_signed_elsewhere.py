"""An officer whose key is not here: the record is taken out, signed on the officer's own device, and brought in."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from config.catalogue import Catalogue
from config.settings import Settings
from hub import dispatch
from hub.clock import now
from hub.embedded.pki import Pki, completed
from hub.errors import InvalidState
from hub.handoffs import external_signing, views
from hub.signing import cms
from hub.signing.signer import MayNotSign
from tests.builders import a_receipt, a_submission, submission_arrival
from tests.integration.handoffs.handing import row_of
from tests.scripted_hub import ScriptedHub

OFFICER = "ra-01"


@pytest.fixture
def device(tmp_path: Path, catalogue: Catalogue) -> Pki:
    """A PKI in which the officer's key is, as on a token of the officer's own; the hub is not shown it."""
    return completed(tmp_path / "pki", catalogue, "a passphrase for keys in tests only")


@pytest.fixture
def away(settings: Settings, catalogue: Catalogue, device: Pki) -> Iterator[ScriptedHub]:
    """A hub in which the officer of rest-a signs elsewhere."""
    certificate = device.keyring.generations(f"officer.{OFFICER}")[-1].chain[0]
    fingerprint = hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
    officer = catalogue.officers[OFFICER].model_copy(update={"signs_elsewhere": True, "certificates": [fingerprint]})
    changed = catalogue.model_copy(update={"officers": catalogue.officers | {OFFICER: officer}})
    with ScriptedHub(settings.model_copy(update={"keys": device.keys}), changed) as hub:
        yield hub


def waiting(hub: ScriptedHub) -> str:
    hub.accept(submission_arrival(a_submission("rest-a")))
    hub.carry()
    [row] = hub.rows("SELECT id FROM handoff")
    return str(row["id"])


def exported(hub: ScriptedHub, handoff_id: str) -> bytes:
    return dispatch.run_command(hub, "op", lambda uow: (external_signing.exported(uow, handoff_id), []))


def handed_over(hub: ScriptedHub) -> list[dict[str, object]]:
    """What is owed to departments."""
    return hub.rows("SELECT id FROM outbox WHERE kind = 'department.submit'")


def attach(hub: ScriptedHub, handoff_id: str, signature: bytes) -> str:
    return str(dispatch.run_command(hub, "op", lambda uow: external_signing.attach(uow, handoff_id, signature)))


def test_nothing_leaves_before_the_signature_has_been_brought_in(away: ScriptedHub, device: Pki) -> None:
    handoff_id = waiting(away)
    with away.db.connection() as conn:
        assert [row["lacks"] for row in views.handoffs(conn, status="unsigned", limit=9)] == ["chữ ký của người giao"]
    assert (handed_over(away), away.count("custody_leaf")) == ([], 0)

    key = device.keyring.current(f"officer.{OFFICER}", now())
    away.department("rest-a").answers.append(a_receipt())
    assert attach(away, handoff_id, cms.sign(exported(away, handoff_id), key, now())) == "prepared"
    away.carry()
    assert row_of(away, handoff_id)["status"] == "acknowledged"
    [handed] = away.department("rest-a").handed
    assert handed.signed is not None
    assert hashlib.sha256(base64.b64decode(handed.signed.record)).digest() == row_of(away, handoff_id)["record_hash"]


def test_a_signature_of_somebody_else_or_of_something_else_is_refused(away: ScriptedHub, device: Pki) -> None:
    handoff_id = waiting(away)
    draft = exported(away, handoff_id)
    own, others = (device.keyring.current(f"officer.{one}", now()) for one in (OFFICER, "ra-02"))
    for wrong in (cms.sign(draft, others, now()), cms.sign(draft + b" ", own, now()), b"", draft):
        with pytest.raises(MayNotSign):
            attach(away, handoff_id, wrong)
    assert (row_of(away, handoff_id)["status"], handed_over(away)) == ("unsigned", [])


def test_a_signature_is_attached_once(away: ScriptedHub, device: Pki) -> None:
    handoff_id = waiting(away)
    signature = cms.sign(exported(away, handoff_id), device.keyring.current(f"officer.{OFFICER}", now()), now())
    attach(away, handoff_id, signature)
    with pytest.raises(InvalidState):
        attach(away, handoff_id, signature)


def test_when_the_officer_has_left_the_record_is_drawn_up_anew_for_the_next(away: ScriptedHub) -> None:
    handoff_id = waiting(away)
    officers = {one.id: one for one in away.catalogue.officers.values() if one.id != OFFICER}
    away.catalogue = away.catalogue.model_copy(update={"officers": officers})
    with pytest.raises(InvalidState, match="renew"):
        attach(away, handoff_id, b"")
    assert str(dispatch.run_command(away, "op", lambda uow: external_signing.renew(uow, handoff_id))) == "prepared"
    away.department("rest-a").answers.append(a_receipt())
    away.carry()
    row = row_of(away, handoff_id)
    assert (row["status"], row["officer"], row["draft"]) == ("acknowledged", "ra-02", None)
