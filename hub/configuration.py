"""The configuration of this process: HUB_… of its environment, and the catalogue that they name.

Apart from hub.app, because a command that only reads, or beat, needs neither connectors nor signing keys.
"""

import os
from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import SettingsError

from config.catalogue import Catalogue, CatalogueError, load
from config.settings import BeatSettings, Settings
from hub.errors import NotConfigured
from schemas.strict import faults_of

Read = TypeVar("Read", bound=BeatSettings)


def read_settings() -> Settings:
    """HUB_… as Settings. Raises NotConfigured naming the variable."""
    return _read(Settings)


def read_beat_settings() -> BeatSettings:
    """HUB_… as far as beat needs it. Raises NotConfigured naming the variable."""
    return _read(BeatSettings)


def _read(settings: type[Read]) -> Read:
    try:
        return settings()
    except (ValidationError, SettingsError) as error:
        if isinstance(error, SettingsError):
            raise NotConfigured(str(error)) from None
        first = faults_of(error)[0]
        raise NotConfigured(f"HUB_{first.pointer.strip('/').upper()}: {first.detail}") from None


def read_catalogue(settings: Settings, *, signs: bool = True) -> Catalogue:
    """The catalogue in the folder of HUB_CATALOGUE, its secrets from the environment. Raises CatalogueError.

    ``signs``: as in config.catalogue.load.
    """
    catalogue = load(settings.catalogue, os.environ, signs=signs)
    check_clerks(settings, catalogue)
    return catalogue


def check_clerks(settings: Settings, catalogue: Catalogue) -> None:
    """In production, where fees are configured, clerks must be too. Raises CatalogueError."""
    fees = catalogue.fee_settings
    if settings.production and fees is not None and not fees.clerks:
        fix = "HUB_PRODUCTION, and nobody is named who decides about money: add [[clerks]] (docs/decisions/0022)"
        raise CatalogueError(catalogue.folder / "fees.toml", "/clerks", fix)
