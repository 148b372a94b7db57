"""Whom the transport trusts: the partner's own CA where one is pinned, and nobody that the environment brings in."""

import ssl
from pathlib import Path

import pytest

from config.catalogue import Tls
from connectors.errors import ConnectorCode, Unavailable
from connectors.transport.http import Transport, trust
from tests.unit.connectors.authority import ServerAuthority
from tests.unit.connectors.partner import OK, answering, partner


def post(url: str, tls: Tls, folder: Path) -> int:
    with Transport("department.test", timeout=5, tls=tls, folder=folder) as transport:
        return transport.post(url, b"{}", {}).status


def test_a_partner_whose_ca_is_pinned_is_trusted(tmp_path: Path) -> None:
    authority = ServerAuthority(tmp_path, "partner-ca")
    with partner(answering(OK), tls=authority.server("partner")) as server:
        assert post(server.url, Tls(ca=Path("partner-ca.ca.pem")), tmp_path) == 200


def test_a_certificate_of_another_authority_is_refused_before_anything_is_said(tmp_path: Path) -> None:
    pinned, other = ServerAuthority(tmp_path, "pinned"), ServerAuthority(tmp_path, "other")
    with partner(answering(OK), tls=other.server("partner")) as server, pytest.raises(Unavailable) as caught:
        post(server.url, Tls(ca=pinned.ca), tmp_path)

    assert caught.value.code == ConnectorCode.TLS
    assert not caught.value.outcome_unknown
    assert server.requests == []


def test_a_certificate_for_another_address_is_refused(tmp_path: Path) -> None:
    authority = ServerAuthority(tmp_path, "partner-ca")
    with (
        partner(answering(OK), tls=authority.server("partner", address="127.0.0.2")) as server,
        pytest.raises(Unavailable) as caught,
    ):
        post(server.url, Tls(ca=authority.ca), tmp_path)

    assert caught.value.code == ConnectorCode.TLS
    assert server.requests == []


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_in_the_environment_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    authority, pinned = ServerAuthority(tmp_path, "partner-ca"), ServerAuthority(tmp_path, "pinned")
    monkeypatch.setenv(variable, str(authority.ca))
    with partner(answering(OK), tls=authority.server("partner")) as server:
        for tls in (Tls(), Tls(ca=pinned.ca)):
            with pytest.raises(Unavailable) as caught:
                post(server.url, tls, tmp_path)
            assert caught.value.code == ConnectorCode.TLS

    assert server.requests == []


def test_a_pinned_ca_stands_instead_of_the_systems_roots_and_not_beside_them(tmp_path: Path) -> None:
    authority = ServerAuthority(tmp_path, "partner-ca")

    (only,) = trust(authority.ca, None).get_ca_certs()

    assert only["subject"] == ((("commonName", "partner-ca"),),)


def test_old_tls_is_not_spoken(tmp_path: Path) -> None:
    authority = ServerAuthority(tmp_path, "partner-ca")
    old = authority.server("partner")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with partner(answering(OK), tls=old) as server, pytest.raises(Unavailable) as caught:
        post(server.url, Tls(ca=authority.ca), tmp_path)

    assert caught.value.code == ConnectorCode.TLS


def test_our_certificate_is_shown_to_a_partner_that_asks_for_it(tmp_path: Path) -> None:
    authority, ours = ServerAuthority(tmp_path, "partner-ca"), ServerAuthority(tmp_path, "our-ca")
    ours.issue("hub")
    server = authority.server("partner", asks_for=ours.ca)
    with partner(answering(OK), tls=server) as remote:
        assert post(remote.url, Tls(ca=authority.ca, client_certificate=Path("hub.pem")), tmp_path) == 200


def test_a_partner_that_asks_for_a_certificate_does_not_get_a_request_without_one(tmp_path: Path) -> None:
    authority, ours = ServerAuthority(tmp_path, "partner-ca"), ServerAuthority(tmp_path, "our-ca")
    server = authority.server("partner", asks_for=ours.ca)
    with partner(answering(OK), tls=server) as remote, pytest.raises(Unavailable):
        post(remote.url, Tls(ca=authority.ca), tmp_path)

    assert remote.requests == []


def test_a_pem_file_that_is_none_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    with pytest.raises(OSError, match=r"NO_CERTIFICATE|no certificate"):
        Transport("department.test", timeout=5, tls=Tls(ca=Path("ca.pem")), folder=tmp_path)
