"""Where a webhook may go, whatever its name resolves to."""

import socket
import time
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import pytest

from config.catalogue import Tls
from connectors.errors import ConnectorCode, ContractBroken, Unavailable
from connectors.transport.addresses import AddressGuard, is_public, resolve, unwrapped
from connectors.transport.http import Transport
from tests.unit.connectors.partner import OK, Partner, answering, partner


def answers(*addresses: str) -> Callable[[str, int], list[str]]:
    return lambda _, __: list(addresses)


@pytest.mark.parametrize("address", ["8.8.8.8", "203.162.4.191", "2001:4860:4860::8888", "2400:cb00::1"])
def test_public_addresses_are_open(address: str) -> None:
    assert AddressGuard(resolver=answers(address))("portal.example", 443) == [address]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",  # noqa: S104 - an address that must stay closed
        "10.0.0.1",
        "172.16.5.4",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::1",
        "2001:0:7f00:1::1",
        "2001:db8::1",
        "fe80::1",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
    ],
)
def test_every_other_address_is_closed(address: str) -> None:
    assert not is_public(unwrapped(ip_address(address)))
    with pytest.raises(ContractBroken) as caught:
        AddressGuard(resolver=answers(address))("portal.example", 443)

    assert caught.value.code == ConnectorCode.ADDRESS


def test_one_private_address_among_public_ones_spoils_the_answer() -> None:
    with pytest.raises(ContractBroken):
        AddressGuard(resolver=answers("8.8.8.8", "10.0.0.1"))("portal.example", 443)


def test_a_private_network_is_open_if_the_settings_say_so_and_no_other_is() -> None:
    guard = AddressGuard(["10.20.0.0/16", "fd00:20::/32"], answers("10.20.3.4", "fd00:20::7"))
    assert guard("portal.example", 443) == ["10.20.3.4", "fd00:20::7"]

    with pytest.raises(ContractBroken):
        AddressGuard(["10.20.0.0/16"], answers("10.21.3.4"))("portal.example", 443)


def test_a_mapped_address_counts_as_the_one_to_which_the_kernel_connects() -> None:
    guard = AddressGuard(["10.20.0.0/16"], answers("::ffff:10.20.3.4"))

    assert guard("portal.example", 443) == ["::ffff:10.20.3.4"]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_no_spelling_of_this_machine_is_connected_to(host: str) -> None:
    try:
        resolve(host.strip("[]"), 80)
    except socket.gaierror:
        pytest.skip(f"this system's resolver does not take {host} for an address")
    with (
        partner(answering(OK)) as server,
        Transport("portal.test", timeout=5, tls=Tls(), folder=Path(), guard=AddressGuard()) as transport,
        pytest.raises(ContractBroken) as caught,
    ):
        transport.post(f"http://{host}:{server.port}/hub", b"{}", {})

    assert caught.value.code == ConnectorCode.ADDRESS
    assert server.connections == 0


def reach(server: Partner, host: str, *addresses: str) -> int:
    guard = AddressGuard(["127.0.0.0/8"], answers(*addresses))
    with Transport("portal.test", timeout=5, tls=Tls(), folder=Path(), guard=guard) as transport:
        return transport.post(f"http://{host}:{server.port}/hub", b"{}", {}).status


def test_the_connection_goes_to_the_address_that_was_checked_under_the_name_that_was_asked_for() -> None:
    with partner(answering(OK)) as server:
        assert reach(server, "portal.example", "127.0.0.1") == 200

    assert f"\r\nHost: portal.example:{server.port}\r\n".encode() in server.requests[0]


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    with partner(answering(OK)) as server:
        assert reach(server, "portal.example", "127.0.0.9", "127.0.0.1") == 200


def test_a_name_is_resolved_once_for_a_connection() -> None:
    asked: list[str] = []

    def rebinding(host: str, _: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    guard = AddressGuard(["127.0.0.0/8"], rebinding)
    with (
        partner(answering(OK)) as server,
        Transport("portal.test", timeout=5, tls=Tls(), folder=Path(), guard=guard) as transport,
    ):
        for _ in range(2):  # the second time over the kept connection
            assert transport.post(f"http://portal.example:{server.port}/", b"{}", {}).status == 200

    assert asked == ["portal.example"]


def test_a_name_without_an_address_is_unreachable_and_nothing_was_done() -> None:
    def unknown(host: str, _: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, f"{host} is not known")

    guard = AddressGuard(resolver=unknown)
    with (
        Transport("portal.test", timeout=5, tls=Tls(), folder=Path(), guard=guard) as transport,
        pytest.raises(Unavailable) as caught,
    ):
        transport.post("http://portal.example/", b"{}", {})

    assert caught.value.code == ConnectorCode.UNREACHABLE
    assert not caught.value.outcome_unknown


def test_addresses_that_do_not_answer_do_not_outlive_the_deadline() -> None:
    silent = ["127.0.0.1"] * 200
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        waiting = []
        for _ in range(4):  # fill the queue of a server that accepts nobody: the next to knock hears nothing
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(("127.0.0.1", port))
        guard = AddressGuard(["127.0.0.0/8"], answers(*silent))
        started = time.monotonic()
        with (
            Transport("portal.test", timeout=1, tls=Tls(), folder=Path(), guard=guard) as transport,
            pytest.raises(Unavailable) as caught,
        ):
            transport.post(f"http://portal.example:{port}/", b"{}", {})
        took = time.monotonic() - started
        for knocking in waiting:
            knocking.close()

    assert caught.value.code == ConnectorCode.UNREACHABLE
    assert took < 100, "a second for all two hundred, not for each"
