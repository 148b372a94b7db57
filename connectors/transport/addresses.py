"""The addresses to which a webhook may connect: public ones, and private networks that the settings allow (no SSRF).

The guard runs on what the name resolves to, at the moment of connecting, and the connection goes to the address that
was checked: a second DNS answer (rebinding) has no effect, and no spelling of 127.0.0.1 (decimal, octal, mapped into
IPv6) is special, because spellings are not looked at.
"""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from connectors.errors import ConnectorCode, ContractBroken

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], list[str]]

_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_TUNNELS: Final = (IPv6Network("2002::/16"), IPv6Network("2001::/32"))
"""6to4 and Teredo carry an IPv4 address inside, which may be a private one; nobody's portal lives there."""


def resolve(host: str, port: int) -> list[str]:
    """Every address of ``host`` for TCP, in the system's order. Raises gaierror, or ContractBroken if it is no name."""
    try:
        results = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise ContractBroken(ConnectorCode.ADDRESS, "the address has a host that cannot be a name") from None
    return list(dict.fromkeys(str(sockaddr[0]) for _, _, _, _, sockaddr in results))


class AddressGuard:
    """Turns a host's name into the addresses to connect to, or refuses; asked once per connection."""

    def __init__(self, networks: Sequence[str] = (), resolver: Resolver = resolve) -> None:
        self._networks = tuple(ip_network(network) for network in networks)
        self._resolver = resolver

    def __call__(self, host: str, port: int) -> list[str]:
        """The addresses of ``host``. Raises ContractBroken if any is closed to us: one bad answer spoils all."""
        addresses = self._resolver(host, port)
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, f"{host} has no address")
        for address in addresses:
            if not self._is_open(unwrapped(ip_address(address))):
                raise ContractBroken(
                    ConnectorCode.ADDRESS,
                    f"{host} resolves to {address}, which is not public; see HUB_WEBHOOK_NETWORKS",
                )
        return addresses

    def _is_open(self, address: Address) -> bool:
        return is_public(address) or any(
            address.version == network.version and address in network for network in self._networks
        )


def unwrapped(address: Address) -> Address:
    """The IPv4 address inside ::ffff:0:0/96, since that is where the kernel would connect; others as they are."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def is_public(address: Address) -> bool:
    """Whether the whole Internet agrees on who has this address."""
    if isinstance(address, IPv6Address) and (
        address not in _GLOBAL_UNICAST or any(address in tunnel for tunnel in _TUNNELS)
    ):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved
