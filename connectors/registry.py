"""Who speaks for which counterparty: a literal table, and two functions that build ports from the catalogue."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from config.catalogue import Catalogue, Department, Endpoint
from connectors.departments.rest import RESTDepartment
from connectors.departments.soap import SOAPDepartment
from connectors.portal import WebhookEndpoint
from connectors.ports import DepartmentPort, PortalPort
from connectors.transport.addresses import AddressGuard

OnSent = Callable[[], None]
"""Called when a request has been written, before its reply is read."""

DEPARTMENTS: Final[Mapping[str, Callable[[Department, Catalogue, str, OnSent | None], DepartmentPort]]] = {
    "rest": RESTDepartment,
    "soap": SOAPDepartment,
}
"""A department's ``dialect`` → the class that speaks it."""


def department_port(
    department: Department, catalogue: Catalogue, url: str, on_sent: OnSent | None = None
) -> DepartmentPort:
    """The port of ``department`` at ``url``: the catalogue's address, or what the settings put in its place.

    Raises ValueError or OSError if the catalogue names what cannot be used.
    """
    return DEPARTMENTS[department.dialect](department, catalogue, url, on_sent)


def portal_port(
    endpoint: Endpoint, catalogue: Catalogue, url: str, networks: Sequence[str], on_sent: OnSent | None = None
) -> PortalPort:
    """The port of the portal's ``endpoint`` at ``url``; of private addresses it goes to those in ``networks`` only."""
    return WebhookEndpoint(endpoint, catalogue, url, AddressGuard(networks), on_sent)
