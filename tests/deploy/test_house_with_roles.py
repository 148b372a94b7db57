"""The whole house on the server stack as it is installed: every process with the rights of its role, and no more."""

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
from tests.stack import Stack, stack

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
def house(tmp_path: Path, database_url: str) -> Iterator[Stack]:
    make_roles(database_url)
    run_script(database_url, "grants.sql")
    with stack(tmp_path, database_url, "amqp://nobody/", HUB_BROKER_DECLARES="false") as made:
        yield made


def test_a_submission_runs_its_course_and_flower_shows_it(house: Stack, broker: RabbitMQ) -> None:
    def database(role: str) -> str:
        return database_url_as(house.database_url, house.database_url.rpartition("/")[2], role)

    house.start_sandbox()
    house.start_api({"HUB_BROKER_URL": broker_url(broker, "api"), "HUB_DATABASE_URL": database("hub_api")})
    house.start_worker(
        changes={"HUB_BROKER_URL": broker_url(broker, "worker"), "HUB_DATABASE_URL": database("hub_worker")}
    )
    ticking = {"HUB_BROKER_URL": broker_url(broker, "beat"), "HUB_DATABASE_URL": "postgresql://nobody/"}
    house._run("beat", "-m", "hub.cli", "beat", "--schedule", str(house.folder / "beat"), changes=ticking)
    port = free_port()
    watching = {
        "HUB_BROKER_URL": broker_url(broker, "flower"),
        "HUB_BROKER_API": broker.management_url_of("hub-flower", PASSWORDS["flower"]) + "/api/",
        "HUB_FLOWER_PASSWORD": FLOWER_PASSWORD,
        "HUB_DATABASE_URL": "postgresql://nobody/",
    }
    house._run("flower", "-m", "hub.cli", "flower", "--port", str(port), changes=watching)

    address = {"province": "Ninh Bình", "commune": "Phường Mẫu", "detail": "Số 9 đường Nhận Kết Quả"}
    by_post = {"method": "post", "address": address}
    submission = a_submission("rest-a", dossier_code=a_code(9001), result=by_post)
    assert house.portal.submit(submission).status_code == 202
    house.wait_for(lambda: any(one.state == "completed" for one in house.noticed()))
    assert len(house.submitted("rest-a")) == 1
    house.wait_for(lambda: house.rows("SELECT 1 FROM consignment WHERE status = 'delivered'"))

    def seen(page: str, words: str) -> bool:
        answer = requests.get(f"http://127.0.0.1:{port}/{page}", auth=("hub", FLOWER_PASSWORD), timeout=10)
        return words in answer.text

    house.wait_for(lambda: seen("workers?json=1", "worker@"))
    house.wait_for(lambda: seen("broker", "outbox.department.rest-a"))
    for log in house.folder.glob("*.log"):
        assert not [word for word in TROUBLE if word in log.read_text(errors="replace")], log.name
