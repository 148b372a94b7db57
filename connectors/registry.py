"""Which class speaks for which counterparty: literal tables, and two functions that build a port from the catalogue."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from config.catalogue import Catalogue, Department, Endpoint, Tls
from connectors.departments.rest import RESTDepartment
from connectors.portal import WebhookEndpoint
from connectors.ports import DepartmentPort, PortalPort
from connectors.transport.addresses import AddressGuard
from connectors.transport.http import Transport

DepartmentClass = Callable[[Department, str, Transport, Callable[[str], str]], DepartmentPort]
"""department, address, transport, secret by name"""

DEPARTMENTS: Final[Mapping[str, DepartmentClass]] = {
    "rest": RESTDepartment,
}
"""A department's ``dialect`` → the class that speaks it."""


def department_port(
    department: Department, catalogue: Catalogue, url: str, on_sent: Callable[[], None] | None = None
) -> DepartmentPort:
    """The port of ``department`` at ``url`` (the catalogue's address, or what the settings put in its place).

    ``on_sent`` is called when a request has been written, before its reply is read. Raises ValueError or OSError if
    the catalogue names what cannot be used.
    """
    transport = Transport(
        department.counterparty,
        timeout=department.timeout_seconds,
        tls=department.tls,
        folder=catalogue.folder,
        on_sent=on_sent,
    )
    return DEPARTMENTS[department.dialect](department, url, transport, catalogue.secret)


def portal_port(
    endpoint: Endpoint,
    catalogue: Catalogue,
    url: str,
    networks: Sequence[str],
    on_sent: Callable[[], None] | None = None,
) -> PortalPort:
    """The port of the portal's ``endpoint`` at ``url``; of private addresses, it goes to those in ``networks`` only."""
    transport = Transport(
        endpoint.counterparty,
        timeout=endpoint.timeout_seconds,
        tls=Tls(),
        folder=catalogue.folder,
        on_sent=on_sent,
        guard=AddressGuard(networks),
    )
    return WebhookEndpoint(endpoint, url, transport, [catalogue.secret(name) for name in endpoint.secrets])
