"""Where no proxy secret is set, no certificate header is ever believed."""

import pytest

from config.settings import Settings
from tests.rooms.http.caller import Door, certificate_of
from tests.rooms.http.test_departments import certified, refused


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"proxy_secret": None})


@pytest.mark.parametrize("secret", [None, "", "None"])
def test_an_unset_secret_is_a_closed_door(door: Door, secret: str | None) -> None:
    refused(door, certified(door, certificate_of("rest-b").escaped, secret), 401, "authentication-failed")
