"""Revocation lists are asked for and kept; who has been revoked signs nothing from then on."""

from datetime import timedelta
from typing import Any

import pytest

from config.catalogue import Catalogue
from config.settings import Settings
from connectors.errors import Code as PartnerCode
from connectors.errors import Unavailable
from connectors.trust.revocation import decoded
from hub import polling
from hub.clock import now
from hub.codes import Code
from hub.embedded.pki import Pki
from hub.signing import crl_store
from hub.signing.signer import MayNotSign
from schemas.trust import RevocationList
from tests.house import ScriptedHouse


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
        found = decoded(self.served)
        return None if found.cursor == cursor else found


@pytest.fixture
def house(settings: Settings, catalogue: Catalogue, own_pki: Pki) -> Any:
    """A house whose keys this test may revoke, and that has no list but those that it fetches."""
    for file in (own_pki.keys / crl_store.FOLDER).glob("*.crl"):
        file.unlink()
    impatient = catalogue.signing.authorities[0].model_copy(update={"every_seconds": 0.0})
    signing = catalogue.signing.model_copy(update={"authorities": [impatient]})
    ours = settings.model_copy(update={"keys": own_pki.keys})
    changed = catalogue.model_copy(update={"signing": signing})
    changed.__dict__.pop("counterparties", None)  # a copy keeps what the original has worked out
    with ScriptedHouse(ours, changed) as opened:
        opened.players["trust.ca"] = ScriptedAuthority(own_pki)
        yield opened


def authority(house: ScriptedHouse) -> ScriptedAuthority:
    player = house.players["trust.ca"]
    assert isinstance(player, ScriptedAuthority)
    return player


def fetch(house: ScriptedHouse) -> None:
    polling.poll(house)
    house.carry()


def sign(house: ScriptedHouse, officer: str = "ra-01") -> bytes:
    """By a signer that has just looked for lists."""
    house.__dict__.pop("signer", None)
    return house.signer.sign_record(b"{}", house.catalogue.officers[officer], now(), department="rest-a").person


def test_nothing_is_signed_before_the_first_list_has_come(house: ScriptedHouse) -> None:
    with pytest.raises(MayNotSign) as end:
        sign(house)
    assert end.value.code == Code.REVOCATION_UNKNOWN
    fetch(house)
    assert sign(house)


def test_a_list_is_kept_once_however_often_it_is_asked_for(house: ScriptedHouse) -> None:
    for _ in range(3):
        fetch(house)
    assert authority(house).asked == 4, "asked, asked whether there is more, and twice again"
    assert house.count("crl") == 1
    [row] = house.rows("SELECT der, next_update FROM crl")
    assert bytes(row["der"]) == authority(house).served
    assert row["next_update"] > now()


def test_who_is_revoked_signs_nothing_once_the_list_has_come(house: ScriptedHouse, own_pki: Pki) -> None:
    fetch(house)
    certificate = own_pki.keyring.current("officer.ra-01", now()).certificate
    own_pki.authority.revoke(certificate.serial_number)
    assert sign(house), "nobody has told us yet"
    authority(house).served = own_pki.authority.crl()
    fetch(house)
    with pytest.raises(MayNotSign, match="revoked") as end:
        sign(house)
    assert end.value.code == Code.CERTIFICATE_REFUSED
    assert sign(house, "ra-02"), "another officer signs as before"
    assert house.count("crl") == 2, "the older list stays: what it judged is judged by it"


def test_an_older_list_that_is_served_again_brings_nobody_back(house: ScriptedHouse, own_pki: Pki) -> None:
    before = own_pki.authority.crl(at=now() - timedelta(hours=1))
    own_pki.authority.revoke(own_pki.keyring.current("officer.ra-01", now()).certificate.serial_number)
    authority(house).served = own_pki.authority.crl()
    fetch(house)
    authority(house).served = before
    fetch(house)
    with pytest.raises(MayNotSign, match="revoked"):
        sign(house)


def test_an_authority_that_is_away_stops_nobody_while_its_list_is_good(house: ScriptedHouse) -> None:
    fetch(house)
    authority(house).away = True
    fetch(house)
    assert sign(house)
