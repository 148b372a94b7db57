"""What differs between dialects when a department is played from its recordings."""

import json
from collections.abc import Mapping
from typing import Any, Final, Protocol

from config.catalogue import Department
from tests.contract.soap_dialect import SOAP


class DialectRecordings(Protocol):
    """How recordings of one dialect are read and played."""

    suffix: str
    """of recorded bodies: submit.request.<suffix>, status.<code>.<suffix>"""
    media_type: str

    def content(self, body: bytes) -> Any:
        """What a request says, in a form that compares: without time stamps, signatures and white space."""

    def key(self, head: Mapping[str, str], body: bytes) -> str:
        """The idempotency key in a request (``head``: its headers by lower-case name)."""

    def played(self, recorded: bytes, department: Department, keys: Mapping[str, str]) -> bytes:
        """A recorded body as the department sends it. ``keys``: its private keys and certificates, by name."""


class REST:
    """JSON is compared as JSON and sent as it was recorded."""

    suffix = "json"
    media_type = "application/json"

    def content(self, body: bytes) -> Any:
        return json.loads(body)

    def key(self, head: Mapping[str, str], body: bytes) -> str:
        return head["idempotency-key"]

    def played(self, recorded: bytes, department: Department, keys: Mapping[str, str]) -> bytes:
        return recorded


DIALECTS: Final[Mapping[str, DialectRecordings]] = {"rest": REST(), "soap": SOAP()}
