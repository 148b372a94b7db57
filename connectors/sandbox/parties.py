"""Which sandbox server stands for which counterparty of the catalogue."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from config.catalogue import Catalogue, Counterparty, Department
from connectors.sandbox import soap_messages
from connectors.sandbox.department import DepartmentOffice
from connectors.sandbox.knobs import Settings
from connectors.sandbox.portal_receiver import PortalReceiver
from connectors.sandbox.pushing import push_of
from connectors.sandbox.rest_department import RestDepartment
from connectors.sandbox.server import Party
from connectors.sandbox.soap_department import SoapDepartment
from connectors.sandbox.soap_security import Security


class Sandbox:
    """Builds the server of any counterparty. ``hub``: the hub's public address, without a slash at its end."""

    def __init__(
        self, catalogue: Catalogue, data: Path, hub: str, settings: Settings, environment: Mapping[str, str]
    ) -> None:
        self._catalogue = catalogue
        self._data = data
        self._hub = hub
        self._settings = settings
        self._environment = environment

    def parties(self, only: Sequence[str] | None = None) -> list[Party]:
        """The counterparties, or only those named. Raises ValueError for what it cannot be."""
        known = self._catalogue.counterparties
        unknown = set(only or ()) - known.keys()
        if unknown:
            raise ValueError(f"the catalogue has no {', '.join(sorted(unknown))}")
        return [self._party(known[code]) for code in only or known]

    def _party(self, counterparty: Counterparty) -> Party:
        if isinstance(counterparty, Department):
            return self._department(counterparty)
        secrets = [self._catalogue.secret(name) for name in counterparty.secrets]
        receiver = PortalReceiver(counterparty, self._data, self._settings, secrets)
        return Party(counterparty.counterparty, receiver.app, receiver.panel, "/webhooks")

    def _department(self, department: Department) -> Party:
        push = push_of(department, self._catalogue, self._hub, self._environment)
        office = DepartmentOffice(department, self._data, self._settings, push)
        if department.dialect == "rest":
            token = self._catalogue.secret(department.secret) if department.secret else None
            return Party(department.counterparty, RestDepartment(office, token).app, office.panel)
        if department.wsdl != soap_messages.WSDL:
            raise ValueError(f"{department.code}: the sandbox speaks {soap_messages.WSDL}, not {department.wsdl}")
        security = Security.of(department, self._catalogue, self._environment)
        return Party(department.counterparty, SoapDepartment(office, security).app, office.panel, "/soap")
