from collections.abc import Iterator

import pytest

from config.catalogue import Catalogue
from deploy.rabbitmq import definitions
from tests.deploy.installed import DEPLOY, PASSWORDS
from tests.rabbitmq import RabbitMQ, install, rabbitmq


@pytest.fixture(scope="package")
def broker(tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue) -> Iterator[RabbitMQ]:
    """RabbitMQ as we ship it: deploy/rabbitmq/rabbitmq.conf, and the definitions of the test catalogue."""
    if reason := install():
        pytest.skip(reason)
    file = tmp_path_factory.mktemp("definitions") / "definitions.json"
    file.write_text(definitions.text(definitions.definitions(catalogue, PASSWORDS)))
    shipped = (DEPLOY / "rabbitmq" / "rabbitmq.conf").read_text()
    configuration = shipped.replace("/etc/rabbitmq/definitions.json", str(file))
    with rabbitmq(tmp_path_factory.mktemp("broker"), configuration) as started:
        yield started
