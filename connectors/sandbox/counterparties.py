"""The sandbox server of each counterparty of the catalogue, by its kind and dialect, and the run of all of them."""

import asyncio
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import uvloop

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
    load,
)
from connectors.sandbox import soap_messages
from connectors.sandbox.accountant import TableReader
from connectors.sandbox.bank_control_api import BankControlApi
from connectors.sandbox.bank_ledger import BankLedgers
from connectors.sandbox.bank_notices import BankNotifier
from connectors.sandbox.bank_statement_files import PATH
from connectors.sandbox.counter_signing import CounterSigner
from connectors.sandbox.department import SandboxDepartment
from connectors.sandbox.portal_receiver import PortalReceiver
from connectors.sandbox.postal_lgsp import LgspServer
from connectors.sandbox.postal_ngsp import NgspServer
from connectors.sandbox.postal_operator import PostalOperatorServer
from connectors.sandbox.receipt_issuer import ReceiptIssuer
from connectors.sandbox.rest_department import RestDepartment
from connectors.sandbox.runtime_settings import SandboxSettings
from connectors.sandbox.server import ServedParty, serve
from connectors.sandbox.soap_department import SoapDepartment
from connectors.sandbox.soap_messages import DepartmentSoapSecurity
from connectors.sandbox.status_push import push_of
from connectors.sandbox.trust_services import RevocationListServer, TimeStampServer
from connectors.trust.development_authority import DevelopmentAuthority


class Sandbox:
    """Builds the server of any counterparty. ``hub``: the hub's public address, without a slash at its end."""

    def __init__(
        self, catalogue: Catalogue, data: Path, hub: str, settings: SandboxSettings, environment: Mapping[str, str]
    ) -> None:
        self._catalogue = catalogue
        self._data = data
        self._hub = hub
        self._settings = settings
        self._environment = environment
        accounts = [account.number for bank in catalogue.banks.values() for account in bank.accounts]
        self._books = BankLedgers(data / "accounts", accounts)

    def parties(self, only: Sequence[str] | None = None, without: Sequence[str] = ()) -> list[ServedParty]:
        """The counterparties, or only those named, and none of ``without``. Raises ValueError for what it cannot be."""
        # A gateway only ever tells, so the hub has no business with it; here it is played all the same.
        banks = {bank.counterparty: bank for bank in self._catalogue.banks.values()}
        known: Mapping[str, Counterparty] = {**self._catalogue.counterparties, **banks}
        unknown = {*(only or ()), *without} - known.keys()
        if unknown:
            raise ValueError(f"the catalogue has no {', '.join(sorted(unknown))}")
        return [self._party(known[code]) for code in only or known if code not in without]

    def _party(self, counterparty: Counterparty) -> ServedParty:
        return KINDS[type(counterparty)](self, counterparty)

    def endpoint(self, endpoint: Endpoint) -> ServedParty:
        secrets = [self._catalogue.secret(name) for name in endpoint.secrets]
        receiver = PortalReceiver(endpoint, self._data, self._settings, secrets)
        return ServedParty(endpoint.counterparty, receiver.app, receiver.runtime, "/webhooks")

    def department(self, department: Department) -> ServedParty:
        push = push_of(department, self._catalogue, self._hub, self._environment)
        authority = DevelopmentAuthority(self._pki)
        reader = TableReader(department.code, authority.issuing.certificate, self._catalogue.signing.seal)
        signer = CounterSigner(department, authority) if department.signing.signs else None
        server = SandboxDepartment(department, self._data, self._settings, push, reader, signer)
        if department.dialect == "rest":
            token = self._catalogue.secret(department.secret) if department.secret else None
            return ServedParty(department.counterparty, RestDepartment(server, token).app, server.runtime)
        if department.wsdl != soap_messages.WSDL:
            raise ValueError(f"{department.code}: the sandbox speaks {soap_messages.WSDL}, not {department.wsdl}")
        security = DepartmentSoapSecurity.of(department, self._catalogue, self._environment)
        return ServedParty(department.counterparty, SoapDepartment(server, security).app, server.runtime, "/soap")

    def stamping(self, authority: StampingAuthority) -> ServedParty:
        server = TimeStampServer(self._pki, self._settings)
        return ServedParty(authority.counterparty, server.app, server.runtime, "/tsa")

    def authority(self, authority: CertificateAuthority) -> ServedParty:
        server = RevocationListServer(self._pki, self._settings)
        return ServedParty(authority.counterparty, server.app, server.runtime, "/issuing.crl")

    def operator(self, operator: Operator) -> ServedParty:
        server = PostalOperatorServer(operator, self._data, self._settings)
        return ServedParty(
            operator.counterparty, POSTAL_DIALECTS[operator.dialect](server, self._catalogue).app, server.runtime
        )

    def bank(self, bank: Bank) -> ServedParty:
        fetch = bank.statements.fetch
        token = self._catalogue.secret(fetch.token) if fetch else None
        tells = bank.notifications is not None
        messenger = BankNotifier(bank, self._catalogue, self._hub, self._environment) if tells else None
        server = BankControlApi(bank, self._books, self._data, self._settings, messenger, token)
        return ServedParty(bank.counterparty, server.app, server.runtime, PATH)

    def issuer(self, issuer: Issuer) -> ServedParty:
        secrets = self._catalogue.secret(issuer.account_password), self._catalogue.secret(issuer.password)
        server = ReceiptIssuer(issuer, self._data, self._settings, secrets)
        return ServedParty(issuer.counterparty, server.app, server.runtime)

    @property
    def _pki(self) -> Path:
        """The development authority's folder; one of the sandbox's own where nobody names one."""
        return self._settings.pki or self._data / "pki"


POSTAL_DIALECTS: Final[Mapping[str, Callable[[PostalOperatorServer, Catalogue], NgspServer | LgspServer]]] = {
    "ngsp": NgspServer,
    "lgsp": LgspServer,
}
"""A postal operator's ``dialect`` → who speaks it for the server behind."""

KINDS: Final[Mapping[type, Callable[[Sandbox, Any], ServedParty]]] = {
    Department: Sandbox.department,
    Endpoint: Sandbox.endpoint,
    StampingAuthority: Sandbox.stamping,
    CertificateAuthority: Sandbox.authority,
    Operator: Sandbox.operator,
    Bank: Sandbox.bank,
    Issuer: Sandbox.issuer,
}
"""The kind of a counterparty in the catalogue → who plays it. A new kind is a line here."""


def run(
    *,
    catalogue: Path,
    data: Path,
    hub: str,
    ports: Path,
    environment: Mapping[str, str],
    only: Sequence[str] | None = None,
    without: Sequence[str] = (),
) -> None:
    """Returns after SIGTERM or SIGINT and a clean stop. Raises ValueError (CatalogueError) and OSError at the start.

    ``data``: the folder of effect files and reports. ``hub``: its public address. ``only`` and ``without`` are
    counterparty codes.
    """
    sandbox = Sandbox(load(catalogue, environment), data, hub.rstrip("/"), SandboxSettings(), environment)
    parties = sandbox.parties(only, without)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_stopped(parties, ports))


async def _until_stopped(parties: list[ServedParty], ports: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(parties, ports, stop)
