"""The published description is fresh and valid, and the endpoints do what it says."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from jsonschema import Draft202012Validator
from requests import PreparedRequest
from requests.auth import AuthBase
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks
from typing_extensions import override

from connectors.transport import signatures
from hub.consignments import capability
from hub.http import openapi, publish
from hub.http.app import application
from hub.http.problems import ProblemDocument
from schemas import strict
from tests.integration.http.caller import JSON, ApiCaller, Caller, as_json

EXAMPLES = 8


def unguarded() -> dict[str, Any]:
    """The description without its guards: the tests sign whatever they send, so no signature is made up or left out."""
    description = application().openapi()
    del description["components"]["securitySchemes"]
    for path in description["paths"].values():
        for operation in path.values():
            operation.pop("security", None)
    return description


# A request that breaks a pattern may be too large as well, and is then told that: the limit is met before the words.
REFUSED = {"negative_data_rejection": {"expected-statuses": ["4xx", "5xx"]}}
DESCRIBED = schemathesis.openapi.from_dict(unguarded(), config=SchemathesisConfig.from_dict({"checks": REFUSED}))
OPERATIONS = {
    operation.ok().label: operation.ok() for operation in DESCRIBED.get_all_operations() if isinstance(operation, Ok)
}
CHECKS = [
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
CHECKS_OF_SOAP = [check for check in CHECKS if check is not schemathesis.checks.not_a_server_error]


@pytest.mark.parametrize("path", publish.FILES, ids=lambda path: path.name)
def test_what_is_published_is_fresh(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == publish.FILES[path](), "run: python -m hub.http.publish"


def test_every_reference_in_the_description_leads_somewhere_and_every_schema_is_one() -> None:
    description = application().openapi()

    for reference in references(description):
        part: Any = description
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]
    assert len(OPERATIONS) == sum(len(path) for path in description["paths"].values())
    for schema in description["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if "$ref" in part else []
        return own + [reference for value in part.values() for reference in references(value)]
    return [reference for value in part for reference in references(value)] if isinstance(part, list) else []


def test_no_endpoint_of_a_partner_is_unguarded(api: ApiCaller, portal: Caller) -> None:
    """Whatever is asked without a signature, and however wrongly, the guard is met first."""
    public_paths = {"/health/live", "/health/ready"}
    for path, operations in application().openapi()["paths"].items():
        for method in operations:
            address = (
                path.format(submission_id="sub_x", code="rest-a", settlement_id="sm_x", token="A" * 43)
                + "?limit=none&wait=none&after=%00"
            )
            answer = portal.session.request(method, api.url + address, data=b"{}", headers={"Content-Type": JSON})

            looks_like_none = path.startswith(("/soap/", "/v1/banks/", capability.PATH))
            expected = 200 if path in public_paths else 404 if looks_like_none else 401
            assert (path, answer.status_code) == (path, expected)


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


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("label", OPERATIONS)
def test_an_endpoint_does_what_the_description_says(
    api: ApiCaller, portal: Caller, rest_a: Caller, label: str, mode: GenerationMode
) -> None:
    """Requests made up from the description, signed; every answer is a described one, and never a failure."""
    operation = OPERATIONS[label]
    named = {"code": "soap-b" if "/soap/" in label else "rest-a"} if "{code}" in label else None
    signed, answered = SignedRequests(portal, rest_a), set[int]()

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(mode, path_parameters=named))
    def ask(case: schemathesis.Case[Any]) -> None:
        expected = CHECKS_OF_SOAP if "/soap/" in label else CHECKS
        answer = case.call_and_validate(api.url, checks=expected, auth=signed, timeout=40)
        assert answer.status_code < 500 or b"<faultcode>soap:Client<" in answer.content
        answered.add(answer.status_code)

    with suppress(Unsatisfiable):  # an endpoint without parameters has no invalid request
        ask()

    assert answered or mode is GenerationMode.NEGATIVE
    assert 401 not in answered or mode is GenerationMode.NEGATIVE or "soap" in label


def test_every_body_has_an_example_that_is_read_as_what_it_is() -> None:
    assert set(openapi.EXAMPLES) == set(openapi.BODIES)
    for model, example in openapi.EXAMPLES.items():
        strict.read(model, as_json(example))
    ProblemDocument.model_validate(openapi.PROBLEM)
    described = [
        operation["requestBody"]["content"][JSON]["example"]
        for path in application().openapi()["paths"].values()
        for operation in path.values()
        if "$ref" in operation.get("requestBody", {}).get("content", {}).get(JSON, {}).get("schema", {})
    ]
    assert len(described) == len(openapi.BODIES)
