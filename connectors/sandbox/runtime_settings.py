"""How a sandbox counterparty behaves just now: what the environment says at the start and the control API changes."""

import asyncio
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MOST_SECONDS: Final = 86_400

Seconds = Annotated[float, Field(ge=0, le=MOST_SECONDS)]

Stamps = Literal["right", "nonce", "imprint", "time", "rejection", "certificate", "garbage"]
"""Right, or wrong in one way: another nonce, another imprint, an hour before, refused, a certificate that is not for
time stamping, no DER at all."""


class SandboxSettings(BaseSettings):
    """HUB_SANDBOX_…: the paces of every counterparty of one sandbox process, in seconds."""

    model_config = SettingsConfigDict(env_prefix="HUB_SANDBOX_", frozen=True, extra="ignore")

    pace: Seconds = 1.0
    """between two moves of a dossier"""
    slow_seconds: Seconds = 25.0
    """how long behaviour 9010 takes to answer"""
    hang_seconds: Seconds = 120.0
    """how long behaviour 9003 holds the connection before it drops it without an answer"""
    pki: Path | None = None
    """the folder of the development authority that the trust services work with; unset: one of the sandbox's own"""


class RuntimeSettings(BaseModel):
    """What a person or a test can change while the server runs."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    down: bool = False
    """answer everything with 503 and report nothing"""
    cut: bool = False
    """read every request and drop the connection without an answer and without effect"""
    cut_after: bool = False
    """act on every request and drop the connection instead of answering"""
    page: bool = False
    """act on every request and answer with a gateway's page, HTTP 200"""
    slow: Seconds = 0
    """seconds before anything is looked at"""
    fail_next: Annotated[int, Field(ge=0)] = 0
    """how many of the next requests are answered with ``fail_status``, without effect"""
    fail_status: Annotated[int, Field(ge=400, le=599)] = 500
    retry_after: Annotated[int, Field(ge=0)] = 0
    """seconds that such an answer, and one while it is down, asks to be left alone for (Retry-After); 0: unsaid"""
    pace: Seconds = 1.0
    """seconds between two moves of a dossier"""
    unsigned_faults: bool = False
    """SOAP: send faults without a signature, as a gateway in front of the department would"""
    dispute_line: Annotated[int, Field(ge=0)] = 0
    """department: the line that it disputes in every table of a month (the last, if there are fewer); 0: none"""
    stamps: Stamps = "right"
    """time-stamping authority: what is wrong with the stamps that it gives"""
    token_seconds: Annotated[int, Field(ge=1, le=MOST_SECONDS)] = 3600
    """postal operator: how long a token is good for"""
    lose_callbacks: bool = False
    """postal operator: call nobody back; the feed still tells everything"""
    parcel_behaviour: Annotated[str, Field(pattern=r"^(91[0-9]{2})?$")] = ""
    """postal operator: the behaviour for every order from now on (postal_behaviours); empty: by its number"""
    transfer_behaviour: Annotated[str, Field(pattern=r"^([a-z]+(-[a-z]+)*)?$")] = ""
    """bank: the behaviour of every transfer from now on (connectors.sandbox.bank_behaviours); empty: as it asks for"""
    lose_notifications: bool = False
    """bank or gateway: book everything and tell nobody; the statements still say it all"""
    stale_list: bool = False
    """certificate authority: serve a revocation list whose nextUpdate has passed"""


class RuntimeControl:
    """The settings as they are now, and waiting that notices when they change."""

    def __init__(self, environment: SandboxSettings) -> None:
        self.environment = environment
        self.settings = self._initial = RuntimeSettings(pace=environment.pace)
        self.closing = asyncio.Event()
        """set when the server stops: nobody is kept waiting any longer"""
        self._turned = asyncio.Event()

    def turn(self, changes: dict[str, Any]) -> RuntimeSettings:
        """Change the settings that are given. Raises pydantic.ValidationError."""
        return self._set(RuntimeSettings.model_validate({**self.settings.model_dump(), **changes}))

    def reset(self) -> RuntimeSettings:
        """As at the start. The effects stay: a witness forgets nothing."""
        return self._set(self._initial)

    def spend_failure(self) -> int | None:
        """The status to fail this request with, if it is one of the next that shall fail."""
        if not self.settings.fail_next:
            return None
        self._set(self.settings.model_copy(update={"fail_next": self.settings.fail_next - 1}))
        return self.settings.fail_status

    async def up(self) -> None:
        """Wait while the counterparty is down."""
        while self.settings.down:
            await self._turned.wait()

    async def one_step(self) -> None:
        """Wait for the pace, and while the counterparty is down; a changed setting counts from the last step on."""
        clock = asyncio.get_running_loop().time
        since = clock()
        while self.settings.down or since + self.settings.pace > clock():
            left = None if self.settings.down else since + self.settings.pace - clock()
            try:
                async with asyncio.timeout(left):
                    await self._turned.wait()
            except TimeoutError:
                return

    def _set(self, settings: RuntimeSettings) -> RuntimeSettings:
        self.settings = settings
        self._turned.set()
        self._turned = asyncio.Event()
        return settings
