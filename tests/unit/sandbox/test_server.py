"""The sandbox as a process: ports, restarts, kill -9, and refusing to begin."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from connectors.sandbox.effects import read_effects
from connectors.sandbox.server import addresses
from schemas.department import Handoff
from tests.catalogue_secrets import CATALOGUE, environment
from tests.unit.sandbox.running import NOWHERE, PATIENCE, a_handoff, call, until

CODE = "department.rest-a"
TOKEN = {"Authorization": f"Bearer {environment()['HUB_SECRET_TEST_REST_A_TOKEN']}"}


def command(data: Path, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "connectors.sandbox", "--catalogue", str(CATALOGUE)),
        *("--data", str(data), "--hub", NOWHERE, "--ports", str(data / "ports.json"), *more),
    ]


@contextmanager
def process(data: Path, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """The sandbox as a process of its own, once it answers; killed if the test has not stopped it."""
    variables = {**os.environ, **environment(), "HUB_SANDBOX_PACE": "0.01"}
    with subprocess.Popen(command(data, *more), env=variables) as running:
        try:
            until(lambda: running.poll() is not None or _answers(data), 30)
            yield running
        finally:
            running.kill()


def _answers(data: Path) -> bool:
    try:
        return call("GET", f"{addresses(data / 'ports.json')[CODE]}/health", headers=TOKEN).ok
    except (KeyError, requests.ConnectionError):
        return False


def submit(data: Path, handoff: Handoff) -> requests.Response:
    return call(
        "POST",
        f"{addresses(data / 'ports.json')[CODE]}/dossiers",
        data=handoff.model_dump_json(exclude_none=True).encode(),
        headers={**TOKEN, "Idempotency-Key": handoff.id},
    )


GATEWAYS = ("casso-t", "keypay-t", "momo-t", "national-t", "payos-t", "sepay-t", "vnpay-t")
"""The hub never speaks to them; they are played all the same."""


def test_every_counterparty_of_the_catalogue_has_an_address(tmp_path: Path) -> None:
    with process(tmp_path) as running:
        ports = json.loads((tmp_path / "ports.json").read_text())
        assert sorted(ports) == [
            *(f"bank.{code}" for code in ("bank-a", "bank-b", *GATEWAYS)),
            *(f"department.{code}" for code in ("rest-a", "rest-b", "soap-a", "soap-b")),
            *(f"portal.{code}" for code in ("cong-dvc", "second")),
            *(f"postal.{code}" for code in ("post-a", "post-b")),
            "receipts.issuer-a",
            *(f"trust.{code}" for code in ("ca", "tsa")),
        ]
        assert len(set(ports.values())) == len(ports)
        running.send_signal(signal.SIGTERM)
        assert running.wait(PATIENCE) == 0


def test_what_was_answered_survives_kill_9_and_the_address_stays(tmp_path: Path) -> None:
    handoffs = [a_handoff(1), a_handoff(2)]
    with process(tmp_path, "--only", CODE) as running:
        before = addresses(tmp_path / "ports.json")
        receipts = [submit(tmp_path, handoff).json() for handoff in handoffs]
        running.send_signal(signal.SIGKILL)
        running.wait(PATIENCE)
    with process(tmp_path, "--only", CODE):
        assert addresses(tmp_path / "ports.json") == before
        again = [submit(tmp_path, handoff) for handoff in handoffs]
        assert [answer.status_code for answer in again] == [200, 200]
        assert [answer.json() for answer in again] == receipts
        assert submit(tmp_path, a_handoff(3)).json()["number"] not in {receipt["number"] for receipt in receipts}
    assert len(read_effects(tmp_path, CODE)) == 3


def test_one_party_alone_leaves_the_addresses_of_the_others(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text('{"portal.second": "http://127.0.0.1:1/webhooks"}')
    with process(tmp_path, "--only", CODE):
        ports = addresses(tmp_path / "ports.json")
    assert sorted(ports) == [CODE, "portal.second"]
    assert ports["portal.second"] == "http://127.0.0.1:1/webhooks"


@pytest.mark.parametrize(
    ("more", "missing", "word"),
    [
        (["--only", "department.so-mat-tich"], "", "department.so-mat-tich"),
        ([], "HUB_SECRET_TEST_SOAP_A_KEY", "HUB_SECRET_TEST_SOAP_A_KEY"),
        ([], "HUB_SECRET_TEST_REST_A_TOKEN", "HUB_SECRET_TEST_REST_A_TOKEN"),
    ],
    ids=["unknown party", "no key of the department", "no secret"],
)
def test_it_does_not_begin_without_what_it_needs_and_says_what(
    tmp_path: Path, more: list[str], missing: str, word: str
) -> None:
    variables = {name: value for name, value in {**os.environ, **environment()}.items() if name != missing}
    ended = subprocess.run(command(tmp_path, *more), env=variables, capture_output=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert word in ended.stderr.decode()
    assert not (tmp_path / "ports.json").exists()
