"""Requests that schemathesis makes up from the published description, and what it checks of each answer.

Imported by the test that needs it: schemathesis takes two seconds.
"""

from contextlib import suppress
from typing import Any, Final

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from requests import PreparedRequest
from requests.auth import AuthBase
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks
from typing_extensions import override

from connectors.transport import signatures
from hub.http.app import application
from tests.integration.http.caller import Caller

EXAMPLES: Final = 8


def _unguarded() -> dict[str, Any]:
    """The description without its guards: the tests sign whatever they send, so no signature is made up or left out."""
    description = application().openapi()
    del description["components"]["securitySchemes"]
    for path in description["paths"].values():
        for operation in path.values():
            operation.pop("security", None)
    return description


# A request that breaks a pattern may be too large as well, and is then told that: the limit is met before the words.
_REFUSED: Final = {"negative_data_rejection": {"expected-statuses": ["4xx", "5xx"]}}
_DESCRIBED: Final = schemathesis.openapi.from_dict(
    _unguarded(), config=SchemathesisConfig.from_dict({"checks": _REFUSED})
)
_OPERATIONS: Final = {
    operation.ok().label: operation.ok() for operation in _DESCRIBED.get_all_operations() if isinstance(operation, Ok)
}
_CHECKS: Final = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
    checks.allow_header_conformance,
]
# A fault goes out with 500 whoever is to blame (WS-I R1126); its code says who.
_CHECKS_OF_SOAP: Final = [check for check in _CHECKS if check is not schemathesis.checks.not_a_server_error]


class SignedRequests(AuthBase):
    """Signs what was made up, as the portal or the department would; what cannot be signed goes out as it is."""

    def __init__(self, portal: Caller, department: Caller) -> None:
        self._portal = portal
        self._department = department

    @override
    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        caller = self._department if "/departments/" in str(request.url) else self._portal
        with suppress(signatures.BadSignature):
            signatures.sign(request, caller.key_id, caller.secret)
        return request


def answers(label: str, mode: str, url: str, signed: SignedRequests) -> set[int]:
    """Send EXAMPLES requests to the operation ``label``, valid ones or (mode "negative") invalid ones.

    Returns the statuses of the answers. Raises AssertionError and schemathesis' failures if one is not as described.
    """
    named = {"code": "soap-b" if "/soap/" in label else "rest-a"} if "{code}" in label else None
    answered = set[int]()

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=_OPERATIONS[label].as_strategy(GenerationMode(mode), path_parameters=named))
    def ask(case: schemathesis.Case[Any]) -> None:
        expected = _CHECKS_OF_SOAP if "/soap/" in label else _CHECKS
        answer = case.call_and_validate(url, checks=expected, auth=signed, timeout=40)
        assert answer.status_code < 500 or b"<faultcode>soap:Client<" in answer.content
        answered.add(answer.status_code)

    with suppress(Unsatisfiable):  # an endpoint without parameters has no invalid request
        ask()
    return answered
