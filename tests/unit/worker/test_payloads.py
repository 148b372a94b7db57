"""What a worker decodes of a message: JSON, whoever has a password of the broker."""

import pickle
from pathlib import Path

import pytest
from kombu.exceptions import ContentDisallowed
from kombu.serialization import loads
from pydantic_core import Url

from config.catalogue import Catalogue
from config.settings import Settings
from hub import broker


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_a_pickled_task_is_refused_unread(tmp_path: Path, catalogue: Catalogue) -> None:
    settings = Settings.model_construct(broker_url=Url("redis://127.0.0.1:1/0"))
    accepted = broker.application(settings, broker.queue_names(catalogue)).conf.accept_content
    payload = pickle.dumps(Trap(tmp_path / "ran"))
    with pytest.raises(ContentDisallowed):
        loads(payload, "application/x-python-serialize", "binary", accept=accepted)
    assert not (tmp_path / "ran").exists()
