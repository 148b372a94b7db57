"""What differs from machine to machine: addresses, secrets, pace. Read from the environment (HUB_…) only."""

import ipaddress
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, HttpUrl, SecretStr, UrlConstraints
from pydantic_core import Url
from pydantic_settings import BaseSettings, SettingsConfigDict

PACKAGED: Final = Path(__file__).parent
"""The catalogue that ships with the hub: illustrative departments and procedures of Ninh Bình."""

PAUSES: Final = (60, 300, 1_800, 7_200, 21_600, 86_400)
"""seconds between attempts: 1 min, 5 min, 30 min, 2 h, 6 h, 24 h; after the last the transfer is stuck."""

DatabaseUrl = Annotated[Url, UrlConstraints(allowed_schemes=["postgresql"])]
BrokerUrl = Annotated[Url, UrlConstraints(allowed_schemes=["amqp", "amqps", "redis", "rediss"])]
Seconds = Annotated[float, Field(gt=0)]
Key = Annotated[SecretStr, Field(min_length=16)]


def _network(cidr: str) -> str:
    ipaddress.ip_network(cidr)
    return cidr


class BeatSettings(BaseSettings):
    """What beat needs: the broker, and how often each tick comes. No database, no catalogue and no secret."""

    model_config = SettingsConfigDict(env_prefix="HUB_", frozen=True, extra="ignore")

    broker_url: BrokerUrl = Field(repr=False)
    """It may hold a password, so it does not show when the settings are printed."""
    broker_declares: bool = True
    """whether our processes may declare queues; no where the operator has imported deploy/rabbitmq/definitions.json"""
    sweep_every: Seconds = 15.0
    """seconds between sweeps for what is due and was not taken."""
    poll_every: Seconds = 60.0
    """seconds between questions to departments that do not push their statuses."""
    custody_every: Seconds = 10.0
    """seconds between looks at the custody log: what was signed meanwhile is given its place."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class Settings(BeatSettings):
    """Every setting, with its unit. Secrets of counterparties are named in the catalogue and stand beside these."""

    database_url: DatabaseUrl = Field(repr=False)
    """as of the broker"""
    catalogue: Path = PACKAGED
    """The folder with departments/, procedures/, portal.toml and calendar.toml."""
    public_url: HttpUrl = HttpUrl("http://127.0.0.1:8000")
    """How partners reach the endpoints; used in Location headers and in the published WSDL."""
    cursor_key: Key
    """Signs the cursors of listings, so that nobody can craft one."""
    proxy_secret: Key | None = None
    """What the reverse proxy proves itself with before its client-certificate header is believed; unset: never."""

    keys: Path | None = None
    """The folder of the signing keys (hub keys list); unset: nothing can be signed, and nothing is handed over."""
    keys_passphrase: Key | None = None
    """What keys in files are encrypted with."""
    production: bool = False
    """Real dossiers pass: keys in files, certificates of a development authority and HUB_ACTOR are refused, and where
    fees are collected fees.toml names who decides about money."""
    checkpoint_every: Seconds = 60.0
    """seconds after which the custody log's root is signed and time-stamped, if anything has entered it."""
    checkpoint_leaves: int = Field(1_000, ge=1)
    """entries of the custody log after which its root is signed, however short a time that took."""
    restamp_after: Seconds = 600.0
    """seconds after which a root that has no time stamp, and that nobody tries to get any more, is signed anew."""
    witness_every: Seconds = 86_400.0
    """seconds between roots that are handed to the departments, counted from midnight in Vietnam."""

    partner_urls: dict[str, str] = {}
    """Counterparty code → address, in place of the catalogue's: the sandbox, a rehearsal, a moved host."""
    webhook_networks: list[Annotated[str, AfterValidator(_network)]] = []
    """CIDR ranges of private networks to which webhooks may go; none: public addresses only."""

    pauses: Annotated[tuple[Seconds, ...], Field(min_length=1)] = PAUSES
    inbox_pauses: Annotated[tuple[Seconds, ...], Field(min_length=1)] = (2, 10, 60, 300, 1_800, 7_200, 21_600, 86_400)
    """seconds between attempts to handle what came in; shorter at first, as most waits are for another message."""
    retry_after_at_most: Seconds = 3_600.0
    """seconds that a counterparty is left alone at most, however long it asks for (Retry-After)."""
    lease_margin: Seconds = 30.0
    """seconds that a claim outlives the counterparty's time-out, before anybody else may take the transfer."""
    inbox_lease: Seconds = 60.0
    """seconds after which a message whose process has died is taken by another; whoever still handles it keeps it."""
    wakeup_repeat_after: Seconds = 60.0
    """seconds after which a wake-up that nobody took counts as lost."""
    poll_at_least_every: Seconds = 86_400.0
    """seconds after which a counterparty is asked again, whatever longer time the catalogue leaves it alone."""
    backlog_after: Seconds = 3_600.0
    """seconds that something may wait for its counterparty, or in the inbox, before the backlog is a finding."""
    feed_silent_after: Seconds = 600.0
    """seconds that a feed may be overdue, counted from when it was to be asked next, before it is a finding."""
    clock_skew: Seconds = 600.0
    """seconds by which clocks may differ, others' from ours and theirs from one another; within it the order of arrival
    and the lifecycle decide, and what is dated further ahead waits for a person."""
    breaker_threshold: int = Field(5, ge=1)
    """transport failures in a row that open a counterparty's circuit breaker."""
    breaker_pause: Seconds = 30.0
    """seconds that an open breaker keeps quiet at first; doubles up to 20 times that."""
    evidence_days: int = Field(90, ge=1)
    """days that redacted requests and replies are kept."""
    pool_size: int = Field(12, ge=1)
    """database connections of one process."""
