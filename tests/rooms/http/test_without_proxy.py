"""Where no proxy secret is set, no certificate header is ever believed."""

import pytest

from tests.rooms.http.caller import Door, certificate_of
from tests.rooms.http.test_departments import certified, refused


@pytest.fixture
def proxy_secret() -> str | None:
    return None


@pytest.mark.parametrize("secret", [None, "", "None"])
def test_an_unset_secret_is_a_closed_door(own_door: Door, secret: str | None) -> None:
    refused(own_door, certified(own_door, certificate_of("rest-b").escaped, secret), 401, "authentication-failed")
