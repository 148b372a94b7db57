"""Revocation lists are asked for and kept; who has been revoked signs nothing from then on."""

from datetime import timedelta
from typing import Any

import pytest

from config.catalogue import Catalogue
from config.settings import Settings
from connectors.errors import ConnectorCode as PartnerCode
from connectors.errors import Unavailable
from connectors.ports import RevocationList
from connectors.trust.services import decoded
from hub import polling
from hub.clock import now
from hub.codes import HubCode
from hub.embedded.pki import Pki
from hub.signing import crl_store
from hub.signing.signer import MayNotSign
from tests.scripted_hub import ScriptedHub


class ScriptedAuthority:
    """A CA that serves what its development authority's list says now, or is away."""

    def __init__(self, pki: Pki) -> None:
        self.pki = pki
        self.served = self.pki.authority.crl()
        self.away = False
        self.asked = 0

    def changes(self, cursor: str) -> RevocationList | None:
        self.asked += 1
        if self.away:
            raise Unavailable(PartnerCode.UNREACHABLE)
        revocations = decoded(self.served)
        return None if revocations.cursor == cursor else revocations


@pytest.fixture
def hub(settings: Settings, catalogue: Catalogue, own_pki: Pki) -> Any:
    """A hub whose keys this test may revoke, and that has no list but those that it fetches."""
    for file in (own_pki.keys / crl_store.FOLDER).glob("*.crl"):
        file.unlink()
    impatient = catalogue.signing.authorities[0].model_copy(update={"every_seconds": 0.0})
    signing = catalogue.signing.model_copy(update={"authorities": [impatient]})
    ours = settings.model_copy(update={"keys": own_pki.keys})
    changed = catalogue.model_copy(update={"signing": signing})
    changed.__dict__.pop("counterparties", None)  # a copy keeps what the original has worked out
    with ScriptedHub(ours, changed) as opened:
        opened.players["trust.ca"] = ScriptedAuthority(own_pki)
        yield opened


def authority(hub: ScriptedHub) -> ScriptedAuthority:
    player = hub.players["trust.ca"]
    assert isinstance(player, ScriptedAuthority)
    return player


def fetch(hub: ScriptedHub) -> None:
    polling.poll(hub)
    hub.carry()


def sign(hub: ScriptedHub, officer: str = "ra-01") -> bytes:
    """By a signer that has just looked for lists."""
    hub.__dict__.pop("signer", None)
    return hub.signer.sign_record(b"{}", hub.catalogue.officers[officer], now(), department="rest-a").person


def test_nothing_is_signed_before_the_first_list_has_come(hub: ScriptedHub) -> None:
    with pytest.raises(MayNotSign) as end:
        sign(hub)
    assert end.value.code == HubCode.REVOCATION_UNKNOWN
    fetch(hub)
    assert sign(hub)


def test_a_list_is_kept_once_however_often_it_is_asked_for(hub: ScriptedHub) -> None:
    for _ in range(3):
        fetch(hub)
    assert authority(hub).asked == 4, "asked, asked whether there is more, and twice again"
    assert hub.count("crl") == 1
    [row] = hub.rows("SELECT der, next_update FROM crl")
    assert bytes(row["der"]) == authority(hub).served
    assert row["next_update"] > now()


def test_who_is_revoked_signs_nothing_once_the_list_has_come(hub: ScriptedHub, own_pki: Pki) -> None:
    fetch(hub)
    certificate = own_pki.keyring.current("officer.ra-01", now()).certificate
    own_pki.authority.revoke(certificate.serial_number)
    assert sign(hub), "nobody has told us yet"
    authority(hub).served = own_pki.authority.crl()
    fetch(hub)
    with pytest.raises(MayNotSign, match="revoked") as end:
        sign(hub)
    assert end.value.code == HubCode.CERTIFICATE_REFUSED
    assert sign(hub, "ra-02"), "another officer signs as before"
    assert hub.count("crl") == 2, "the older list stays: what it judged is judged by it"


def test_an_older_list_that_is_served_again_brings_nobody_back(hub: ScriptedHub, own_pki: Pki) -> None:
    before = own_pki.authority.crl(at=now() - timedelta(hours=1))
    own_pki.authority.revoke(own_pki.keyring.current("officer.ra-01", now()).certificate.serial_number)
    authority(hub).served = own_pki.authority.crl()
    fetch(hub)
    authority(hub).served = before
    fetch(hub)
    with pytest.raises(MayNotSign, match="revoked"):
        sign(hub)


def test_an_authority_that_is_away_stops_nobody_while_its_list_is_good(hub: ScriptedHub) -> None:
    fetch(hub)
    authority(hub).away = True
    fetch(hub)
    assert sign(hub)
