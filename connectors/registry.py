"""Ports by kind and dialect of a counterparty: literal tables, and functions that build a port from the catalogue."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from config.catalogue import (
    Bank,
    Catalogue,
    CertificateAuthority,
    Counterparty,
    Department,
    Endpoint,
    Issuer,
    Operator,
    StampingAuthority,
)
from connectors.banks.files import BankFileService
from connectors.departments.rest import RESTDepartment
from connectors.portal import WebhookEndpoint
from connectors.ports import BankPort, DepartmentPort, PortalPort, PostalPort, ReceiptPort, RevocationPort, StampPort
from connectors.postal.lgsp import LGSPOperator
from connectors.postal.ngsp import NGSPOperator
from connectors.transport.addresses import AddressGuard
from connectors.trust.services import RevocationLists, TimeStamping

OnSent = Callable[[], None]
"""Called when a request has been written, before its reply is read."""


def _soap(department: Department, catalogue: Catalogue, url: str, on_sent: OnSent | None) -> DepartmentPort:
    # zeep and xmlsec weigh 16 MiB: a worker whose queues hold no SOAP department does not carry them.
    from connectors.departments.soap import SOAPDepartment  # noqa: PLC0415 - see above

    return SOAPDepartment(department, catalogue, url, on_sent)


DEPARTMENTS: Final[Mapping[str, Callable[[Department, Catalogue, str, OnSent | None], DepartmentPort]]] = {
    "rest": RESTDepartment,
    "soap": _soap,
}
"""A department's ``dialect`` → what speaks it."""

OPERATORS: Final[Mapping[str, Callable[[Operator, Catalogue, str, OnSent | None], PostalPort]]] = {
    "ngsp": NGSPOperator,
    "lgsp": LGSPOperator,
}
"""A postal operator's ``dialect`` → the class that speaks it."""


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


@dataclass(frozen=True, slots=True)
class PortOptions:
    """What a port is built with besides its counterparty. ``networks``: private ones to which webhooks may go."""

    catalogue: Catalogue
    url: str
    networks: Sequence[str] = ()
    on_sent: OnSent | None = None


def _department(party: Department, options: PortOptions) -> DepartmentPort:
    return department_port(party, options.catalogue, options.url, options.on_sent)


def _endpoint(party: Endpoint, options: PortOptions) -> PortalPort:
    return portal_port(party, options.catalogue, options.url, options.networks, options.on_sent)


def _stamping(party: StampingAuthority, options: PortOptions) -> StampPort:
    return TimeStamping(party, options.catalogue, options.url, options.on_sent)


def _authority(party: CertificateAuthority, options: PortOptions) -> RevocationPort:
    return RevocationLists(party, options.catalogue, options.url, options.on_sent)


def _operator(party: Operator, options: PortOptions) -> PostalPort:
    return OPERATORS[party.dialect](party, options.catalogue, options.url, options.on_sent)


def _bank(party: Bank, options: PortOptions) -> BankPort:
    return BankFileService(party, options.catalogue, options.url, options.on_sent)


def _issuer(party: Issuer, options: PortOptions) -> ReceiptPort:
    from connectors.receipts import VNPTIssuer  # noqa: PLC0415 - see above

    return VNPTIssuer(party, options.catalogue, options.url, options.on_sent)


KINDS: Final[Mapping[type, Callable[[Any, PortOptions], Any]]] = {
    Department: _department,
    Endpoint: _endpoint,
    StampingAuthority: _stamping,
    CertificateAuthority: _authority,
    Operator: _operator,
    Bank: _bank,
    Issuer: _issuer,
}
"""The kind of a counterparty in the catalogue → how its port is made. A new kind is a line here."""


def port(party: Counterparty, options: PortOptions) -> Any:
    """The port of ``party``: one of connectors.ports. Raises ValueError or OSError."""
    return KINDS[type(party)](party, options)
