"""How a bank or gateway notifies: its dialect, its keys, the accounts that it may speak of."""

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from config.data import Data, SecretName, no_duplicates
from schemas.payment import NotificationKind

Dialect = Literal["vnpay", "national", "keypay", "payos", "casso", "sepay", "momo", "signed-json"]
"""The dialects of notifications; connectors.banks.notifications has a file for each."""

WATCHING: frozenset[Dialect] = frozenset({"payos", "casso", "sepay", "signed-json"})
"""These tell of what is booked on an account; the others collect, and pay in later."""

Part = Literal[
    "transaction", "amount", "kind", "account", "text", "at", "currency", "bank_ref", "reference", "original"
]
"""What may be read from a signed JSON document."""
Path = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){0,4}$")]
"""A place in a document: names with dots between."""
Header = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$", to_lower=True)]

NEEDED: tuple[Part, ...] = ("transaction", "amount", "at")


class NotificationKey(Data):
    """One key and the time in which it is in force. While one is replaced, two overlap; outside, neither is believed.

    A key that has run out stays in the file: what it signed in the archive can still be verified.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    secret: SecretName
    """holds the shared secret; of signed-json, their certificate or public key (PEM)"""
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None


class SignedJson(Data):
    """How a bank signs its JSON, and where in it stands what."""

    algorithm: Literal["rsa-sha256", "rsa-pss-sha256", "ecdsa-sha256"]
    content: Literal["raw", "sorted", "fields"]
    """what is signed: the bytes; the document with its keys sorted, compact, without the signature; or some values"""
    fields: list[Path] = Field([])
    """content = "fields": whose values, in this order"""
    separator: Annotated[str, StringConstraints(max_length=4)] = "|"
    signature_header: Header | None = None
    signature_field: Path | None = None
    """one of the two says where the signature stands"""
    encoding: Literal["base64", "hex"] = "base64"
    key_header: Header | None = None
    """names the key, where they do"""
    timestamp_header: Header | None = None
    """seconds since 1970; signed in front of the content, with a dot between"""
    names: dict[Part, Path]
    kinds: dict[str, NotificationKind] = Field({})
    """their word for what happened = ours; empty: all are payments"""
    time: Annotated[str, StringConstraints(max_length=40)] = "%Y-%m-%dT%H:%M:%S"
    """how they write a time of Vietnam; "rfc3339": with its zone"""
    digits: bool = False
    """amounts are texts of digits"""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.signature_header is None) == (self.signature_field is None):
            raise ValueError("one of signature_header and signature_field says where the signature stands")
        if (self.content == "fields") != bool(self.fields):
            raise ValueError('fields belong to content = "fields", which needs them')
        if self.content == "raw" and self.signature_field is not None:
            raise ValueError("a signature over the raw bytes cannot stand in them")
        missing = set(NEEDED) - self.names.keys()
        if missing:
            raise ValueError(f"names lacks {', '.join(sorted(missing))}")
        if bool(self.kinds) != ("kind" in self.names):
            raise ValueError("kinds and names.kind go together")
        unsigned = set(self.names.values()) - set(self.fields) if self.content == "fields" else set[str]()
        if unsigned:
            raise ValueError(f"what is read has to be signed, and fields lack {', '.join(sorted(unsigned))}")
        if {NotificationKind.REFUND, NotificationKind.REVERSAL} & set(
            self.kinds.values()
        ) and "original" not in self.names:
            raise ValueError("a refund or reversal names its payment: names lacks original")
        return self


class Notifications(Data):
    """The notification part of a bank or gateway."""

    dialect: Dialect
    keys: list[NotificationKey] = Field(min_length=1)
    accounts: list[Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{4,34}$")]] = Field([])
    """those that it may speak of; a message that names none is about the first. Empty: the bank's own"""
    merchant: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    """what the provider calls us (vnp_TmnCode, MaDoiTac, client_id, partnerCode); another's messages are refused"""
    access_key: SecretName | None = None
    """momo: the public half of its key pair, which stands in what is signed"""
    tolerance_seconds: int = Field(300, ge=1, le=3600)
    """between their clock and ours, where they sign a time"""
    signed_json: SignedJson | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        no_duplicates("key", [key.id for key in self.keys])
        no_duplicates("account", list(self.accounts))
        if (self.dialect == "signed-json") != (self.signed_json is not None):
            raise ValueError("the signed-json dialect needs signed_json, and no other has it")
        if (self.dialect == "momo") != (self.access_key is not None):
            raise ValueError("the momo dialect needs access_key, and no other has it")
        if self.merchant is None and self.dialect in ("vnpay", "national", "keypay", "momo"):
            raise ValueError(f"{self.dialect} needs merchant: a message to another merchant is not for us")
        for key in self.keys:
            if key.valid_from and key.valid_until and key.valid_until <= key.valid_from:
                raise ValueError(f"the key {key.id} ends before it begins")
        return self

    @property
    def headers(self) -> list[str]:
        """The headers on which the verdict stands, beyond those of the dialect."""
        form = self.signed_json
        named = (form.signature_header, form.key_header, form.timestamp_header) if form else ()
        return [header for header in named if header]
