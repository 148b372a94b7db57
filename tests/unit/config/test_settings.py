"""Settings come from the environment, and a wrong one stops the start."""

import pytest
from pydantic import ValidationError

from config.settings import PACKAGED, PAUSES, Settings

GOOD = {
    "HUB_DATABASE_URL": "postgresql://hub:database-password@db.example/hub",
    "HUB_BROKER_URL": "amqp://hub:broker-password@broker.example/hub",
    "HUB_CURSOR_KEY": "a key of more than sixteen characters",
}


def settings(monkeypatch: pytest.MonkeyPatch, **changes: str) -> Settings:
    for name, value in {**GOOD, **changes}.items():
        monkeypatch.setenv(name, value)
    return Settings()


def test_what_is_not_set_is_what_suits_a_real_office(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = settings(monkeypatch)
    assert (loaded.catalogue, loaded.pauses, loaded.webhook_networks) == (PACKAGED, PAUSES, [])


def test_the_environment_is_read_with_its_types(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = settings(
        monkeypatch,
        HUB_PAUSES="[0.5, 1]",
        HUB_WEBHOOK_NETWORKS='["10.0.0.0/8", "fd00::/8"]',
        HUB_PARTNER_URLS='{"department.so-tu-phap": "http://127.0.0.1:9000"}',
    )
    assert loaded.pauses == (0.5, 1)
    assert loaded.webhook_networks == ["10.0.0.0/8", "fd00::/8"]
    assert loaded.partner_urls == {"department.so-tu-phap": "http://127.0.0.1:9000"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HUB_DATABASE_URL", "mysql://db.example/hub"),
        ("HUB_BROKER_URL", "http://broker.example"),
        ("HUB_CURSOR_KEY", "short"),
        ("HUB_PROXY_SECRET", ""),
        ("HUB_PAUSES", "[]"),
        ("HUB_PAUSES", "[60, 0]"),
        ("HUB_SWEEP_EVERY", "-1"),
        ("HUB_WEBHOOK_NETWORKS", '["127.0.0.1/8"]'),
        ("HUB_WEBHOOK_NETWORKS", '["everywhere"]'),
        ("HUB_LOG_LEVEL", "loud"),
        ("HUB_POOL_SIZE", "0"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(ValidationError) as error:
        settings(monkeypatch, **{name: value})
    assert {problem["loc"][0] for problem in error.value.errors()} == {name.removeprefix("HUB_").lower()}


def test_no_password_shows_when_the_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = repr(settings(monkeypatch))
    assert "password" not in printed
    assert GOOD["HUB_CURSOR_KEY"] not in printed
