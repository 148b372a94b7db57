"""What every piece of the catalogue is made of: frozen models, names of secrets, addresses."""

import ipaddress
from itertools import pairwise
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, core_schema


class Data(BaseModel):
    """A piece of the catalogue: frozen, and refusing what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SecretName(str):
    """The name of a secret; its value stands in the environment under this name and never in a file."""

    __slots__ = ()
    PATTERN: Final = r"^HUB_SECRET_[A-Z0-9_]{2,80}$"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema(pattern=cls.PATTERN))


LineWords = Annotated[str, StringConstraints(pattern=r"^(\W*\w){4}", max_length=100)]
"""what a line of a statement says; looked for without case, marks and separators"""


def _well_formed(url: str) -> str:
    parts = urlsplit(url)
    if not parts.hostname or parts.query or parts.fragment or parts.username or url != url.strip():
        raise ValueError("an address reads https://host/path, without user, query or fragment")
    return url


def _address(url: str) -> str:
    parts = urlsplit(_well_formed(url))
    host = parts.hostname or ""
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_this_machine(host)):
        raise ValueError("an address begins with https://; http:// is for this machine only")
    return url


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _signed_address(url: str) -> str:
    if urlsplit(_well_formed(url)).scheme not in ("http", "https"):
        raise ValueError("an address begins with http:// or https://")
    return url


Address = Annotated[str, AfterValidator(_address)]
SignedAddress = Annotated[str, AfterValidator(_signed_address)]
"""Where signed things are fetched, whose own signature is what is believed: http:// will do."""
PartyCode = Annotated[str, Field(pattern=r"^[a-z0-9-]{2,40}$")]
Name = Annotated[str, Field(min_length=1, max_length=255)]
ListCode = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,40}$")]
"""The code of a paper or a fee in the list of its procedure."""


def no_duplicates(kind: str, codes: list[str]) -> None:
    """Raises ValueError naming the first of ``codes`` that stands twice; ``kind`` says what they are codes of."""
    for before, after in pairwise(sorted(codes)):
        if before == after:
            raise ValueError(f"the {kind} {after} stands twice")
