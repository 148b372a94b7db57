"""The published description is fresh and valid, and the endpoints do what it says."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from hub.consignments import capability
from hub.http import openapi, publish
from hub.http.app import application
from hub.http.problems import ProblemDocument
from schemas import strict
from tests.integration.http.caller import JSON, ApiCaller, Caller, as_json

DESCRIPTION = json.loads((publish.ROOT / "schemas" / "wire" / "openapi.json").read_text(encoding="utf-8"))
LABELS = [f"{method.upper()} {path}" for path, operations in DESCRIPTION["paths"].items() for method in operations]


@pytest.mark.parametrize("path", publish.FILES, ids=lambda path: path.name)
def test_what_is_published_is_fresh(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == publish.FILES[path](), "run: python -m hub.http.publish"


def test_every_reference_in_the_description_leads_somewhere_and_every_schema_is_one() -> None:
    description = application().openapi()

    for reference in references(description):
        part: Any = description
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]
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


@pytest.mark.parametrize("mode", ["positive", "negative"])
@pytest.mark.parametrize("label", LABELS)
def test_an_endpoint_does_what_the_description_says(
    api: ApiCaller, portal: Caller, rest_a: Caller, label: str, mode: str
) -> None:
    """Requests made up from the description, signed; every answer is a described one, and never a failure."""
    from tests.integration.http import described_api  # noqa: PLC0415 - seconds, which the other processes spare

    answered = described_api.answers(label, mode, api.url, described_api.SignedRequests(portal, rest_a))
    assert answered or mode == "negative"
    assert 401 not in answered or mode == "negative" or "soap" in label


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
