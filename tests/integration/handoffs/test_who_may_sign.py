"""Without a valid signature nothing leaves: the submission waits with a code, and goes on once that is mended."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from config.catalogue import Catalogue
from config.officers import Officer
from config.settings import Settings
from hub import operations
from hub.clock import now
from hub.embedded.pki import Pki, completed
from tests.builders import a_receipt, a_submission, submission_arrival
from tests.scripted_hub import ScriptedHub

YESTERDAY = now().date() - timedelta(days=1)


@pytest.fixture
def own_pki(tmp_path: Path, catalogue: Catalogue) -> Pki:
    """One that the test may spoil."""
    return completed(tmp_path / "pki", catalogue, "a passphrase for keys in tests only")


def a_hub(settings: Settings, catalogue: Catalogue, keys: Path | None) -> ScriptedHub:
    return ScriptedHub(settings.model_copy(update={"keys": keys}), catalogue)


def with_officers(catalogue: Catalogue, change: Callable[[Officer], Officer | None]) -> Catalogue:
    changed = [change(one) for one in catalogue.officers.values()]
    return catalogue.model_copy(update={"officers": {one.id: one for one in changed if one is not None}})


def off_the_roster(catalogue: Catalogue, _: Pki) -> Catalogue:
    return with_officers(catalogue, lambda one: one.model_copy(update={"valid_to": YESTERDAY}))


def not_yet_on_the_roster(catalogue: Catalogue, _: Pki) -> Catalogue:
    return with_officers(catalogue, lambda one: one.model_copy(update={"valid_from": date(2099, 1, 1)}))


def revoked(catalogue: Catalogue, pki: Pki) -> Catalogue:
    certificate = pki.keyring.generations("officer.ra-01")[-1].chain[0]
    pki.authority.revoke(certificate.serial_number)
    pki.publish()
    return catalogue


def without_a_key(catalogue: Catalogue, pki: Pki) -> Catalogue:
    for file in (pki.keys / "officer.ra-01").iterdir():
        file.unlink()
    return catalogue


def of_an_unknown_authority(catalogue: Catalogue, pki: Pki) -> Catalogue:
    stranger = completed(pki.folder.parent / "stranger", catalogue, "a passphrase for keys in tests only")
    pki.roots.write_bytes(stranger.roots.read_bytes())
    return catalogue


def sealless(catalogue: Catalogue, pki: Pki) -> Catalogue:
    for file in (pki.keys / "seal.trung-tam").iterdir():
        file.unlink()
    return catalogue


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (off_the_roster, "OFFICER_MAY_NOT_SIGN"),
        (not_yet_on_the_roster, "OFFICER_MAY_NOT_SIGN"),
        (revoked, "CERTIFICATE_REFUSED"),
        (without_a_key, "KEY_UNAVAILABLE"),
        (sealless, "KEY_UNAVAILABLE"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_nothing_leaves_that_cannot_be_signed(
    settings: Settings, catalogue: Catalogue, own_pki: Pki, spoil: Callable[[Catalogue, Pki], Catalogue], code: str
) -> None:
    with a_hub(settings, spoil(catalogue, own_pki), own_pki.keys) as hub:
        message = hub.accept(submission_arrival(a_submission("rest-a")))
        hub.carry()
        assert (hub.count("handoff"), hub.count("outbox"), hub.count("custody_leaf")) == (0, 0, 0)
        [row] = hub.rows("SELECT state, error_code FROM inbox WHERE id = %s", message.id)
        assert (row["state"], row["error_code"]) == ("waiting", code)


def test_a_root_that_we_do_not_believe_signs_nothing(settings: Settings, catalogue: Catalogue, own_pki: Pki) -> None:
    of_an_unknown_authority(catalogue, own_pki)
    with a_hub(settings, catalogue, own_pki.keys) as hub:
        hub.accept(submission_arrival(a_submission("rest-a")))
        hub.carry()
        [row] = hub.rows("SELECT state, error_code FROM inbox")
        assert (row["state"], hub.count("outbox")) == ("waiting", 0)
        assert row["error_code"] in ("CERTIFICATE_REFUSED", "REVOCATION_UNKNOWN")


def test_what_waited_goes_out_once_the_key_is_there_and_a_dead_message_is_revived(
    settings: Settings, catalogue: Catalogue, pki: Pki, own_pki: Pki
) -> None:
    without_a_key(catalogue, own_pki)
    with a_hub(settings, catalogue, own_pki.keys) as hub:
        message = hub.accept(submission_arrival(a_submission("rest-a")))
        hub.carry()
        for _ in settings.inbox_pauses:
            hub.make_due(message.id)
            hub.sweep()
            hub.carry()
        [row] = hub.rows("SELECT state, error_code FROM inbox")
        assert (row["state"], row["error_code"]) == ("dead", "KEY_UNAVAILABLE")

        officer = catalogue.officers["ra-01"]
        own_pki.renew(officer.key, common_name=officer.name, serial_name=officer.id)
        hub.department("rest-a").answers.append(a_receipt())
        operations.requeue(hub, message.id, actor="op", reason="khóa đã được cấp lại")
        hub.carry()
        assert [row["status"] for row in hub.rows("SELECT status FROM handoff")] == ["acknowledged"]


def test_the_reserve_signs_when_the_official_has_left(settings: Settings, catalogue: Catalogue, own_pki: Pki) -> None:
    def left(one: Officer) -> Officer:
        return one.model_copy(update={"valid_to": YESTERDAY}) if one.id == "ra-01" else one

    def signer_of(hub: ScriptedHub) -> str:
        hub.department("rest-a").answers.append(a_receipt())
        hub.accept(submission_arrival(a_submission("rest-a")))
        hub.carry()
        [row] = hub.rows("SELECT officer FROM handoff ORDER BY prepared_at DESC LIMIT 1")
        return str(row["officer"])

    with a_hub(settings, catalogue, own_pki.keys) as hub:
        assert signer_of(hub) == "ra-01"
    with a_hub(settings, with_officers(catalogue, left), own_pki.keys) as hub:
        assert signer_of(hub) == "ra-02"


def test_without_a_folder_of_keys_nothing_leaves(settings: Settings, catalogue: Catalogue) -> None:
    with a_hub(settings, catalogue, None) as hub:
        hub.accept(submission_arrival(a_submission("rest-a")))
        hub.carry()
        assert hub.count("outbox") == 0
