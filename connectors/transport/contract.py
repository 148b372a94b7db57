"""A vendored WSDL as zeep reads it: its operations, our envelopes, the schema of the replies.

zeep reads the WSDL and builds envelopes; it neither speaks nor reads replies. Whatever address the WSDL names is not
used. Building a contract takes some 30 ms, so one is kept for each WSDL; threads share it, since zeep's types are
settled once they are resolved and every message is a tree of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import zeep
import zeep.exceptions
from lxml import etree

from connectors.transport.envelope import payload_of
from connectors.transport.xml import Element, schema_of, vendored_document

BASE: Final = "file:///wire/"
"""Where zeep believes the contracts to be. No such folder exists; _Vendored answers for it."""

STRICT: Final = zeep.Settings(
    strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True, xml_huge_tree=False, force_https=False
)


class InvalidMessage(ValueError):
    """Our own message is not what the contract says. The text names rule and place, never a value."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a contract; tags are in Clark notation."""

    action: str
    answer: str
    """tag of the reply's payload"""
    faults: frozenset[str]
    """tags of the typed faults that it may answer with"""


class _Vendored:
    """All of zeep's transport that we let it have: the documents in schemas/wire, by name.

    ``forbid_external`` stops http only; absolute and ``../`` paths would be read. Here they are not names on the list.
    """

    def load(self, url: str) -> bytes:
        """Raises NotVendored for everything but our documents."""
        return vendored_document(url.removeprefix(BASE))


class SoapContract:
    """A WSDL 1.1 with one SOAP 1.1 binding, document/literal, all types inside."""

    def __init__(self, wsdl: str) -> None:
        """``wsdl``: a name in schemas/wire. Raises LookupError or ValueError when we cannot speak by it."""
        self._client = _client(wsdl)
        if len(self._client.wsdl.bindings) != 1:
            raise ValueError(f"{wsdl} has not one binding")
        ((name, binding),) = self._client.wsdl.bindings.items()
        self._service = self._client.create_service(name, address="")
        self.namespace = str(etree.QName(name).namespace)
        self.operations: Mapping[str, Operation] = {
            name: _operation(operation) for name, operation in binding.all().items()
        }
        self._schema = schema_of(wsdl, self.namespace)

    def envelope(self, operation: str, message: Mapping[str, Any]) -> Element:
        """The request, built and held against the schema. Raises InvalidMessage."""
        try:
            envelope: Element = self._client.create_message(self._service, operation, **message)
        except zeep.exceptions.ValidationError as error:
            raise InvalidMessage(f"{operation}: {'.'.join(map(str, error.path))} is missing or wrong") from None
        except (zeep.exceptions.Error, TypeError, ValueError):  # also lxml's, on characters that XML cannot have
            raise InvalidMessage(f"{operation}: the message cannot be written") from None
        fault = self.fault(payload_of(envelope[-1]))
        if fault:
            raise InvalidMessage(f"{operation}: {fault}")
        return envelope

    def fault(self, payload: Element) -> str | None:
        """What is wrong with ``payload``, without quoting it; None if the schema allows it."""
        return self._schema.fault(payload)

    def take_out_invalid(self, payload: Element, entry: str) -> list[Element]:
        """Remove from ``payload``, which begins with elements ``entry``, the invalid ones, and return them."""
        if self.fault(payload) is None:
            return []
        elements = payload.findall(entry)
        for element in elements:
            payload.remove(element)
        odd = [element for element in elements if self._fault_with(payload, element)]
        for element in reversed([element for element in elements if element not in odd]):
            payload.insert(0, element)
        return odd

    def _fault_with(self, payload: Element, element: Element) -> str | None:
        payload.insert(0, element)
        fault = self.fault(payload)
        payload.remove(element)
        return fault


@cache
def contract(wsdl: str) -> SoapContract:
    """The one Contract of this process for ``wsdl``."""
    return SoapContract(wsdl)


def _client(wsdl: str) -> Any:
    return zeep.Client(BASE + wsdl, transport=_Vendored(), settings=STRICT)


def _operation(operation: Any) -> Operation:
    return Operation(
        action=operation.soapaction,
        answer=operation.output.body.qname.text,
        faults=frozenset(
            part.element.qname.text
            for message in operation.abstract.fault_messages.values()
            for part in message.parts.values()
        ),
    )
