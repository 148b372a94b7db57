"""The portal's side of the webhooks: signature, each notice once, and failing on command."""

import base64
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from connectors.clock import now
from tests.catalogue_secrets import environment
from tests.unit.sandbox.running import Running, call, sandbox

CODE = "portal.second"
SECRETS = [environment()[f"HUB_SECRET_TEST_{name}"] for name in ("SECOND_WEBHOOK", "SECOND_WEBHOOK_OLD")]


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Running]:
    with sandbox(tmp_path, [CODE]) as running:
        yield running


def a_notice(**data: Any) -> bytes:
    return json.dumps(
        {
            "type": "submission.status_changed",
            "timestamp": now().isoformat(),
            "data": {
                "event_id": "evt_1",
                "submission_id": "sub_1",
                "reference": "CDVC-1",
                "dossier_code": "000.00.01.H42-261124-0001",
                "state": "in_progress",
                "status": "accepted",
                "status_code": "2",
                "version": 1,
                **data,
            },
        }
    ).encode()


def tell(portal: Running, notice: bytes, key: str = "evt_1", secret: str = SECRETS[0]) -> requests.Response:
    moment = now()
    headers = {
        "webhook-id": key,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(key, moment, notice.decode()),
        "Content-Type": "application/json",
    }
    return call("POST", portal.urls[CODE], data=notice, headers=headers)


@pytest.mark.parametrize("secret", SECRETS, ids=["new secret", "old secret"])
def test_a_notice_signed_with_a_secret_in_rotation_is_kept(portal: Running, secret: str) -> None:
    assert tell(portal, a_notice(), secret=secret).status_code == 204
    (notice,) = portal.notices(CODE)
    assert (notice.key, notice.event_id, notice.status, notice.version) == ("evt_1", "evt_1", "accepted", 1)


def test_a_notice_that_comes_again_is_answered_and_kept_once_also_after_a_restart(tmp_path: Path) -> None:
    notice = a_notice()
    for _ in range(2):
        with sandbox(tmp_path, [CODE]) as portal, ThreadPoolExecutor(10) as pool:
            answers = pool.map(lambda _: tell(portal, notice).status_code, range(10))
            assert set(answers) == {204}
    assert len(portal.notices(CODE)) == 1


def test_without_a_valid_signature_nothing_is_kept(portal: Running) -> None:
    strange = "whsec_" + base64.b64encode(b"a key that nobody has agreed upon").decode()
    assert tell(portal, a_notice(), secret=strange).status_code == 401
    assert call("POST", portal.urls[CODE], data=a_notice()).status_code == 401
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(int(time.time())), "webhook-signature": "v1"}
    assert call("POST", portal.urls[CODE], data=a_notice(), headers=headers).status_code == 401
    assert portal.notices(CODE) == []


def test_what_is_signed_and_no_notice_is_refused(portal: Running) -> None:
    assert tell(portal, a_notice(colour="red")).status_code == 400
    assert portal.notices(CODE) == []


@pytest.mark.parametrize("status", [500, 410])
def test_it_fails_as_often_as_it_is_told_to(portal: Running, status: int) -> None:
    portal.turn(CODE, fail_next=2, fail_status=status)
    assert [tell(portal, a_notice()).status_code for _ in range(3)] == [status, status, 204]
    assert len(portal.notices(CODE)) == 1
