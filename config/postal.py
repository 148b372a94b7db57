"""Postal operators: one contract with one of them, how it is reached, what its codes mean, what it owes us in time."""

import re
import unicodedata
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from config.data import Address, Data, LineWords, Name, PartyCode, SecretName
from config.limits import PARTNER, RateLimit
from config.parties import Idempotency, Tls
from schemas.postal import PostalStatus, StatusCode

Dialect = Literal["ngsp", "lgsp"]
"""The dialects of operators; connectors.registry has a class for each."""

Operation = Literal["token", "order", "order_with_item_code", "cancel", "feed"]

NAMES: Final[dict[Dialect, dict[Operation, str]]] = {
    "ngsp": {
        "token": "apiGetToken",
        "order": "apiPostOrder",
        "cancel": "apiCancelOrder",
        "feed": "apiGetOrderTracking",
    },
    "lgsp": {
        "order": "OrderLGSP",
        "order_with_item_code": "OrderLGSPWithItemCode",
        "feed": "events",
    },
}
"""What the dialects call their operations. The newer one has no cancellation, and its feed is ours."""


_KIND_OF_UNIT: Final = re.compile(r"^(tỉnh|thành phố|tp\.?) ")


class ReplyMeaning(StrEnum):
    """What the Status of an operator's reply can mean."""

    DONE = "done"
    ALREADY = "already"
    """It has this order, or has cancelled it, already."""
    REFUSED = "refused"
    BUSY = "busy"
    """Not now; nothing was done."""


class Province(Data):
    """A province in the operator's numbers. ``district``: what stands for the whole of it, since there are none now."""

    number: int = Field(ge=0, le=999_999)
    district: int = Field(0, ge=0, le=999_999)


class Route(Data):
    """A class of routes, and its J+n in working days (TT 17/2017/TT-BTTTT). J is the day on the slip."""

    title: Name
    days: int = Field(ge=0, le=60)
    """to send papers or to return a result"""
    days_with_slip: int = Field(ge=0, le=60)
    """to send papers and bring the appointment slip back"""
    inter_province: bool = False

    @model_validator(mode="after")
    def _slip_takes_longer(self) -> Self:
        if self.days_with_slip < self.days:
            raise ValueError("days_with_slip is less than days")
        return self


ROUTES: Final = {
    "local": Route(title="Trong cùng địa bàn huyện cũ, thành phố", days=1, days_with_slip=2),
    "province": Route(title="Liên huyện cũ trong tỉnh", days=2, days_with_slip=4),
    "cities": Route(title="Liên tỉnh, giữa đô thị đặc biệt và loại I", days=3, days_with_slip=6, inter_province=True),
    "national": Route(title="Liên tỉnh khác", days=4, days_with_slip=8, inter_province=True),
}
"""The table of TT 17/2017. For difficult terrain the operator publishes its own: a row more in its TOML."""


class Levels(Data):
    """What TT 17/2017 and the contract ask of the operator. Days are working days."""

    invitations: int = Field(2, ge=1, le=10)
    """of delivery, at least, before an item goes back (Đ5.2.h)"""
    days_between_invitations: int = Field(2, ge=0, le=30)
    days_to_collect: int = Field(1, ge=0, le=30)
    """within which what was ordered is collected"""
    days_to_return: int = Field(2, ge=0, le=30)
    """after the last invitation, within which the way back begins"""
    silent_after_days: int = Field(1, ge=1, le=30)
    """whole days without a word, after which a person asks"""
    complaint_months: int = Field(6, ge=1, le=60)
    """after the end of J+n, within which a complaint can be made"""
    complaint_days: int = Field(5, ge=1, le=60)
    """to settle a complaint about an item that stayed in the province"""
    complaint_days_inter_province: int = Field(7, ge=1, le=60)


def _bare(province: str) -> str:
    """A province's name without what kind of unit it is."""
    return _KIND_OF_UNIT.sub("", " ".join(unicodedata.normalize("NFC", province).casefold().split()))


class Operator(Data):
    """A postal operator under one contract: one customer code, one feed."""

    code: PartyCode
    name: Name
    dialect: Dialect
    base_url: Address
    customer_code: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,40}$")]
    consumer_key: SecretName | None = None
    consumer_secret: SecretName | None = None
    """ngsp: what a token is asked for with (client credentials)"""
    token: SecretName | None = None
    """lgsp: the standing token of the header access_token"""
    tls: Tls = Tls()
    feed: bool = True
    """whether it has a feed that is polled"""
    remits_within_working_days: int | None = Field(None, ge=0, le=60)
    """after the delivery, within which the cash that its postman has collected is paid into our account; unset: its
    contract has no collection"""
    payout_words: LineWords | None = None
    """what the lines of its transfers say, where its report's name does not stand in them"""
    callbacks: bool = False
    """whether it is told a capability URL with each order, and calls it back"""
    rate_limit: RateLimit = PARTNER
    """of its callbacks"""
    page_size: int = Field(500, ge=1, le=1000)
    """entries of the feed that are asked for at once"""
    flag_config: int = Field(2, ge=0, le=99)
    """lgsp: FlagConfig"""
    operations: dict[Operation, str] = Field({})
    """what we ask = the name of their operation, where it is not the dialect's"""
    max_in_flight: int = Field(4, ge=1, le=64)
    timeout_seconds: float = Field(30, gt=0, le=120)
    answers: dict[StatusCode, ReplyMeaning] = Field(min_length=1)
    """their Status = what it means; one that is not here breaks the contract"""
    status: dict[StatusCode, PostalStatus] = Field(min_length=1)
    """their code = ours; a code that is not here moves nothing and waits for a person"""
    provinces: dict[Name, Province] = Field(min_length=1)
    routes: dict[PartyCode, Route] = Field(ROUTES, min_length=1)
    levels: Levels = Levels()

    @model_validator(mode="after")
    def _speaks_one_dialect(self) -> Self:
        credentials = (self.consumer_key is not None, self.consumer_secret is not None, self.token is not None)
        if credentials != ((True, True, False) if self.dialect == "ngsp" else (False, False, True)):
            raise ValueError(
                "ngsp needs consumer_key and consumer_secret and no token, lgsp a token and neither of them"
            )
        if self.callbacks and self.dialect == "ngsp":
            raise ValueError("callbacks: an ngsp order has no place for their address")
        if not (self.feed or self.callbacks):
            raise ValueError("feed or callbacks: without either nothing is ever heard")
        if unknown := self.operations.keys() - NAMES[self.dialect].keys():
            raise ValueError(f"operations: the {self.dialect} dialect has no {min(unknown)}")
        return self

    @model_validator(mode="after")
    def _can_say_that_it_has_it(self) -> Self:
        """Sending an order again is safe only because of these two."""
        for meaning in (ReplyMeaning.DONE, ReplyMeaning.ALREADY):
            if meaning not in self.answers.values():
                raise ValueError(f"answers: no Status means {meaning.value}")
        return self

    @property
    def counterparty(self) -> str:
        return f"postal.{self.code}"

    @property
    def queue(self) -> str:
        return f"outbox.postal.{self.code}"

    @property
    def address(self) -> str:
        return self.base_url

    @property
    def idempotency(self) -> Idempotency:
        """The order number is a natural key, whatever the dialect."""
        return Idempotency.NATURAL

    @property
    def takes_item_codes(self) -> bool:
        """Whether an order of its dialect has a place for a pre-printed code of ours."""
        return "order_with_item_code" in NAMES[self.dialect]

    def province(self, name: str) -> Province | None:
        """The province in the operator's numbers, however its name is written: Ninh Bình, tỉnh Ninh Bình."""
        known = {_bare(listed): province for listed, province in self.provinces.items()}
        return known.get(_bare(name))

    def operation(self, name: Operation) -> str:
        """What the operator calls it."""
        return self.operations.get(name, NAMES[self.dialect][name])
