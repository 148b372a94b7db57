"""All processes on the server stack as it is installed: each with the rights of its role, and no more."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import requests

from hub.embedded.ports import free_port
from tests.builders import a_code, a_submission
from tests.deploy.installed import PASSWORDS, broker_url, database_url_as, make_roles, run_script
from tests.rabbitmq import RabbitMQ
from tests.stack import ProcessStack, stack

pytestmark = pytest.mark.server_stack

FLOWER_PASSWORD: Final = secrets.token_urlsafe(16)
TROUBLE: Final = (
    "ACCESS_REFUSED",
    "PRECONDITION_FAILED",
    "permission denied",
    "InsufficientPrivilege",
    "delayed delivery",
)


@pytest.fixture
def hub(tmp_path: Path, database_url: str) -> Iterator[ProcessStack]:
    make_roles(database_url)
    run_script(database_url, "grants.sql")
    with stack(tmp_path, database_url, "amqp://nobody/", HUB_BROKER_DECLARES="false") as processes:
        yield processes


def test_a_submission_runs_its_course_and_flower_shows_it(hub: ProcessStack, broker: RabbitMQ) -> None:
    def database(role: str) -> str:
        return database_url_as(hub.database_url, hub.database_url.rpartition("/")[2], role)

    hub.start_sandbox()
    hub.start_api({"HUB_BROKER_URL": broker_url(broker, "api"), "HUB_DATABASE_URL": database("hub_api")})
    hub.start_worker(
        changes={"HUB_BROKER_URL": broker_url(broker, "worker"), "HUB_DATABASE_URL": database("hub_worker")}
    )
    ticking = {"HUB_BROKER_URL": broker_url(broker, "beat"), "HUB_DATABASE_URL": "postgresql://nobody/"}
    hub._run("beat", "-m", "hub.cli", "beat", "--schedule", str(hub.folder / "beat"), changes=ticking)
    port = free_port()
    watching = {
        "HUB_BROKER_URL": broker_url(broker, "flower"),
        "HUB_BROKER_API": broker.management_url_of("hub-flower", PASSWORDS["flower"]) + "/api/",
        "HUB_FLOWER_PASSWORD": FLOWER_PASSWORD,
        "HUB_DATABASE_URL": "postgresql://nobody/",
    }
    hub._run("flower", "-m", "hub.cli", "flower", "--port", str(port), changes=watching)

    address = {"province": "Ninh Bình", "commune": "Phường Mẫu", "detail": "Số 9 đường Nhận Kết Quả"}
    by_post = {"method": "post", "address": address}
    submission = a_submission("rest-a", dossier_code=a_code(9001), result=by_post)
    assert hub.portal.submit(submission).status_code == 202
    hub.wait_for(lambda: any(one.state == "completed" for one in hub.noticed()))
    assert len(hub.submitted("rest-a")) == 1
    hub.wait_for(lambda: hub.rows("SELECT 1 FROM consignment WHERE status = 'delivered'"))

    def seen(page: str, words: str) -> bool:
        answer = requests.get(f"http://127.0.0.1:{port}/{page}", auth=("hub", FLOWER_PASSWORD), timeout=10)
        return words in answer.text

    hub.wait_for(lambda: seen("workers?json=1", "worker@"))
    hub.wait_for(lambda: seen("broker", "outbox.department.rest-a"))
    for log in hub.folder.glob("*.log"):
        assert not [word for word in TROUBLE if word in log.read_text(errors="replace")], log.name
