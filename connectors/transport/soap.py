"""SOAP 1.1 client of one counterparty: requests and replies are validated by its WSDL, replies verified by signature.

A request is built and checked by its contract, secured, and sent over the counterparty's own HTTP transport to the
address from the catalogue. The reply is read by the hardened parser, verified, and held against the schema; only the
payload of the verified Body is handed on.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from connectors.clock import now
from connectors.errors import ConnectorCode, ContractBroken, Duplicate, Rejected, Unavailable
from connectors.transport import wsse, xml
from connectors.transport.contract import InvalidMessage, Operation, SoapContract
from connectors.transport.envelope import (
    CONTENT_TYPE,
    NotSOAP,
    NotUnderstood,
    SoapFault,
    body_of,
    check_understood,
    fault_in,
    payload_of,
    to_bytes,
)
from connectors.transport.http import Transport
from connectors.transport.http_connection import HttpReply, checked
from connectors.transport.wsse_verifier import PinnedCertificate, Untrusted, verify
from connectors.transport.xml import Element

_OURS: Final = frozenset({"Client", "VersionMismatch", "MustUnderstand"})
"""Fault codes that blame our message: sending it again would not help."""
_CREDENTIALS: Final = frozenset(
    {
        "FailedAuthentication",
        "FailedCheck",
        "InvalidSecurity",
        "InvalidSecurityToken",
        "MessageExpired",
        "SecurityTokenUnavailable",
        "UnsupportedAlgorithm",
        "UnsupportedSecurityToken",
    }
)
"""Fault codes of WS-Security 1.1 §12."""
_OK: Final = 200
_BUSY: Final = frozenset({429, 503})
"""HTTP statuses with which a fault means that nothing was done."""
_WORD: Final = re.compile(r"[A-Za-z]{1,40}")


class TypedFault(Exception):
    """The other party answers with a fault of its contract; ``element`` is its content, held against the schema."""

    def __init__(self, element: Element) -> None:
        self.element = element
        super().__init__(element.tag)


@dataclass(frozen=True, slots=True)
class SoapSecurity:
    """What the two sides prove to one another. The default asks for nothing beyond TLS."""

    signing: wsse.WsseKey | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    pinned: tuple[PinnedCertificate, ...] = ()
    """Who may sign replies; with none, replies are not signed."""

    @classmethod
    def from_pem(
        cls,
        *,
        username: str | None = None,
        password: str | None = None,
        key: str | None = None,
        certificate: str | None = None,
        theirs: Sequence[str] = (),
    ) -> Self:
        """``key`` and ``certificate`` are ours, ``theirs`` may sign replies; all PEM. Raises UnusableKeyError."""
        return cls(
            signing=wsse.WsseKey.from_pem(key.encode(), certificate.encode()) if key and certificate else None,
            username=username,
            password=password,
            pinned=tuple(PinnedCertificate.from_pem(pem.encode()) for pem in theirs),
        )

    def protect(self, envelope: Element) -> None:
        """Adds to ``envelope`` what the other party asks for. Raises UnusableKeyError once our certificate is out."""
        if self.username is not None and self.password is not None:
            wsse.username_token(envelope, self.username, self.password, now())
        if self.signing:
            wsse.sign(envelope, self.signing, now())

    def opened(self, envelope: Element) -> Element:
        """The verified Body. Raises Untrusted or NotSOAP."""
        return verify(envelope, self.pinned, now()) if self.pinned else body_of(envelope)


class SOAPService:
    """One counterparty's SOAP service. Threads may share it: contract and keys do not change, the transport pools."""

    def __init__(self, contract: SoapContract, url: str, http: Transport, security: SoapSecurity) -> None:
        self._contract = contract
        self._url = url
        self._http = http
        self._security = security

    def call(self, operation: str, message: Mapping[str, Any], *, idempotent: bool) -> Element:
        """The payload of the reply. Raises TypedFault, Unavailable or ContractBroken.

        ``idempotent``: the request only asks, so it may be asked again at once and its outcome is never unknown.
        """
        terms = self._contract.operations[operation]
        payload = self._answer(terms, operation, message, idempotent=idempotent)
        self._check_answer(payload, terms)
        return payload

    def page(self, operation: str, message: Mapping[str, Any], entry: str) -> tuple[Element, list[Element]]:
        """The payload of a reply that begins with elements ``entry``, without those that the WSDL refuses; and those.

        One of them must not hide the others. Raises as ``call`` does.
        """
        terms = self._contract.operations[operation]
        payload = self._answer(terms, operation, message, idempotent=True)
        odd = self._contract.take_out_invalid(payload, entry) if payload.tag == terms.answer else []
        self._check_answer(payload, terms)
        return payload, odd

    def _answer(self, terms: Operation, operation: str, message: Mapping[str, Any], *, idempotent: bool) -> Element:
        reply = self._http.post(
            self._url,
            self._request(operation, message),
            {"Content-Type": CONTENT_TYPE, "SOAPAction": f'"{terms.action}"'},
            idempotent=idempotent,
        )
        payload = self._verified_payload(reply, idempotent=idempotent)
        fault = fault_in(payload)
        if fault:
            raise self._error_of(fault, terms, reply, idempotent=idempotent)
        if reply.status != _OK:
            raise _by_status(reply, "an answer with another status than 200", idempotent=idempotent)
        return payload

    def _request(self, operation: str, message: Mapping[str, Any]) -> bytes:
        """The bytes to send. Raises ContractBroken or Unavailable where none may be sent."""
        try:
            envelope = self._contract.envelope(operation, message)
            self._security.protect(envelope)
        except InvalidMessage as error:
            raise ContractBroken(ConnectorCode.OUR_MESSAGE, str(error)) from None
        except wsse.UnusableKeyError as error:
            raise Unavailable(ConnectorCode.OUR_CERTIFICATE, str(error)) from None
        return to_bytes(envelope)

    def _verified_payload(self, reply: HttpReply, *, idempotent: bool) -> Element:
        """The payload, an answer or a fault, of a reply that is proven to be the counterparty's where it has to be."""
        try:
            envelope = xml.parse(reply.body)
            claimed = fault_in(payload_of(body_of(envelope)))
            body = self._security.opened(envelope)
            check_understood(envelope, wsse.SECURITY)
            return payload_of(body)
        except NotUnderstood as error:
            raise ContractBroken(ConnectorCode.CONTRACT, str(error)) from None
        except (xml.UnsafeXML, NotSOAP) as error:
            raise _by_status(reply, str(error), idempotent=idempotent) from None
        except Untrusted as error:
            if claimed:
                raise Unavailable(
                    ConnectorCode.UNSIGNED_FAULT,
                    f"{_words(claimed)}: {error}",
                    outcome_unknown=not idempotent,
                    retry_after=reply.retry_after,
                ) from None
            raise ContractBroken(ConnectorCode.SIGNATURE, str(error)) from None

    def _error_of(self, fault: SoapFault, terms: Operation, reply: HttpReply, *, idempotent: bool) -> Exception:
        typed = [detail for detail in fault.details if detail.tag in terms.faults]
        if len(typed) > 1:
            return ContractBroken(ConnectorCode.CONTRACT, "a fault holds more than one typed fault")
        if typed:
            wrong = self._contract.fault(typed[0])
            return (
                ContractBroken(ConnectorCode.CONTRACT, f"a typed fault is malformed: {wrong}")
                if wrong
                else TypedFault(typed[0])
            )
        if fault.code in _CREDENTIALS:
            return ContractBroken(ConnectorCode.AUTH, _words(fault))
        if fault.code in _OURS:
            return ContractBroken(ConnectorCode.CONTRACT, _words(fault))
        if reply.status in _BUSY:
            return Unavailable(ConnectorCode.BUSY, _words(fault), retry_after=reply.retry_after)
        return Unavailable(
            ConnectorCode.ERROR, _words(fault), outcome_unknown=not idempotent, retry_after=reply.retry_after
        )

    def _check_answer(self, payload: Element, terms: Operation) -> None:
        if payload.tag != terms.answer:
            raise ContractBroken(ConnectorCode.CONTRACT, "the reply is another message than the one that was asked for")
        wrong = self._contract.fault(payload)
        if wrong:
            raise ContractBroken(ConnectorCode.CONTRACT, f"the reply is not as the WSDL has it: {wrong}")


def _by_status(reply: HttpReply, why: str, *, idempotent: bool) -> Exception:
    """The error of a reply without a SOAP message in it, such as a gateway's page: by its HTTP status.

    A refusal or a duplicate is never taken from HTTP: in SOAP those are said by typed faults.
    """
    try:
        checked(reply, idempotent=idempotent)
    except (Unavailable, ContractBroken) as error:
        return error
    except (Duplicate, Rejected):
        pass
    return ContractBroken(ConnectorCode.CONTRACT, f"HTTP {reply.status} {reply.media_type}: {why}")


def _words(fault: SoapFault) -> str:
    """The fault's code if it reads as one; its sentence may hold anything and is not repeated."""
    return f"SOAP fault {fault.code}" if _WORD.fullmatch(fault.code) else "SOAP fault"
