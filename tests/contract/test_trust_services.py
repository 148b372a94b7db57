"""What the hub and the trust services of the catalogues say to one another: RFC 3161 and RFC 5280 over HTTP.

The recordings are the development authority's: a stamp on "a checkpoint" and two revocation lists, one after the other.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from config.catalogue import Catalogue, CertificateAuthority, StampingAuthority, load
from config.settings import PACKAGED
from connectors import registry
from connectors.errors import ConnectorCode, ConnectorError, ContractBroken, Unavailable
from connectors.registry import PortOptions
from tests.catalogue_secrets import CATALOGUE, generated
from tests.unit.connectors.partner import Partner, a_closed_port, after_reading, answering, partner, reset

RECORDINGS: Final = Path(__file__).parent / "recordings" / "trust"
QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"
CRL = "application/pkix-crl"

REQUEST: Final = (RECORDINGS / "stamp.request.tsq").read_bytes()
STAMP: Final = (RECORDINGS / "stamp.reply.tsr").read_bytes()
LIST: Final = (RECORDINGS / "list.reply.crl").read_bytes()
NEXT: Final = (RECORDINGS / "list.next.reply.crl").read_bytes()


@pytest.fixture(params=[CATALOGUE, PACKAGED], ids=["tests", "shipped"])
def known(request: pytest.FixtureRequest) -> Catalogue:
    """Each catalogue that we have."""
    return load(request.param, generated(request.param).hub)


def answer(body: bytes, media_type: str, status: int = 200) -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@contextmanager
def playing(catalogue: Catalogue, party: Any, behave: Any) -> Iterator[tuple[Any, Partner]]:
    with partner(behave) as server:
        yield registry.port(party, PortOptions(catalogue, f"{server.url}/service")), server


def stamping(catalogue: Catalogue) -> StampingAuthority:
    return catalogue.signing.stamping[0]


def authority(catalogue: Catalogue) -> CertificateAuthority:
    return catalogue.signing.authorities[0]


def outcome(catalogue: Catalogue, *replies: bytes) -> ConnectorError:
    """What asking for a stamp comes to."""
    with (
        playing(catalogue, stamping(catalogue), answering(*replies)) as (port, _),
        pytest.raises(ConnectorError) as end,
    ):
        port.stamp(REQUEST)
    return end.value


def test_a_request_goes_out_as_it_is_and_the_reply_comes_back_as_it_came(known: Catalogue) -> None:
    with playing(known, stamping(known), answering(answer(STAMP, REPLY))) as (port, server):
        assert port.stamp(REQUEST) == STAMP
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.splitlines()[0] == b"POST /service HTTP/1.1"
    assert f"Content-Type: {QUERY}".encode() in head.splitlines()
    assert body == REQUEST


def test_a_reply_of_another_type_is_not_taken_for_a_stamp(known: Catalogue) -> None:
    end = outcome(known, answer(b"<html>log in</html>", "text/html"))
    assert isinstance(end, ContractBroken)
    assert REPLY in end.detail


def test_a_reply_that_does_not_end_is_cut_off(known: Catalogue) -> None:
    assert isinstance(outcome(known, answer(b"0" * 300_000, REPLY)), ContractBroken)


def test_a_busy_authority_is_asked_again_at_once_and_then_later(known: Catalogue) -> None:
    busy = answer(b"", "text/plain", 503)
    with playing(known, stamping(known), answering(busy, answer(STAMP, REPLY))) as (port, server):
        assert port.stamp(REQUEST) == STAMP
        assert len(server.requests) == 2
    end = outcome(known, busy)
    assert isinstance(end, Unavailable)
    assert (end.code, end.outcome_unknown) == (ConnectorCode.BUSY, False)


@pytest.mark.parametrize("status", [400, 404, 409, 410, 422])
def test_a_refusal_in_http_is_a_persons_business_and_never_a_stamp(known: Catalogue, status: int) -> None:
    end = outcome(known, answer(STAMP, "application/problem+json", status))
    assert isinstance(end, ContractBroken)


def test_a_failure_in_mid_sentence_leaves_nothing_unknown(known: Catalogue) -> None:
    assert isinstance(outcome(known, answer(b"", "text/plain", 500)), Unavailable)
    with playing(known, stamping(known), after_reading(reset)) as (port, _), pytest.raises(Unavailable) as end:
        port.stamp(REQUEST)
    assert not end.value.outcome_unknown


def test_nobody_at_the_address_is_unreachable(known: Catalogue) -> None:
    for party in (stamping(known), authority(known)):
        port = registry.port(party, PortOptions(known, f"http://127.0.0.1:{a_closed_port()}/"))
        with pytest.raises(Unavailable) as end:
            port.check()
        assert end.value.code == ConnectorCode.UNREACHABLE


def test_a_list_is_brought_with_its_number_and_only_once(known: Catalogue) -> None:
    replies = [answer(one, CRL) for one in (LIST, LIST, NEXT)]
    with playing(known, authority(known), answering(*replies)) as (port, server):
        first = port.changes("")
        assert port.changes(first.cursor) is None
        then = port.changes(first.cursor)
    assert (first.der, then.der) == (LIST, NEXT)
    assert then.number > first.number
    assert (first.issuer == then.issuer, first.key == then.key) == (True, False)
    assert first.cursor == hashlib.sha256(LIST).hexdigest()
    assert server.requests[0].startswith(b"GET /service HTTP/1.1")


def test_a_list_in_pem_is_the_same_list(known: Catalogue) -> None:
    pem = x509.load_der_x509_crl(LIST).public_bytes(Encoding.PEM)
    with playing(known, authority(known), answering(answer(pem, CRL))) as (port, _):
        assert port.changes("").der == LIST


@pytest.mark.parametrize("body", [b"", b"<html>", LIST[:-1], LIST + b"\0"])
def test_what_is_no_list_is_a_persons_business(known: Catalogue, body: bytes) -> None:
    with playing(known, authority(known), answering(answer(body, CRL))) as (port, _), pytest.raises(ContractBroken):
        port.changes("")


def test_the_check_of_each_says_that_it_is_there(known: Catalogue) -> None:
    with playing(known, authority(known), answering(answer(LIST, CRL))) as (port, _):
        assert "revocation list no. " in port.check()
    with playing(known, stamping(known), answering(answer(b"", "text/plain", 405))) as (port, _):
        assert "HTTP 405" in port.check()
