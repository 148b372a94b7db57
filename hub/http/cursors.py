"""Cursors of listings: opaque to the caller, signed so that nobody can craft one."""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime
from typing import Final

from pydantic import SecretStr

from hub.http import problem_types
from hub.http.problems import Problem
from schemas.strict import Fault

_MAC_BYTES: Final = 16
_LONGEST: Final = 200


def issue(key: SecretStr, moment: datetime, item_id: str) -> str:
    """The cursor that stands after the item ``item_id``, last changed at ``moment``."""
    place = f"{moment.isoformat()} {item_id}".encode()
    return base64.urlsafe_b64encode(_mac(key, place) + place).decode().rstrip("=")


def read(key: SecretStr, cursor: str) -> tuple[datetime, str]:
    """Where a cursor of ours stands. Raises Problem for any other."""
    try:
        sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _refusal() from None
    mac, place = sealed[:_MAC_BYTES], sealed[_MAC_BYTES:]
    if len(cursor) > _LONGEST or not hmac.compare_digest(mac, _mac(key, place)):
        raise _refusal()
    moment, _, item_id = place.decode().partition(" ")
    return datetime.fromisoformat(moment), item_id


def _mac(key: SecretStr, place: bytes) -> bytes:
    return hmac.new(key.get_secret_value().encode(), b"submissions:" + place, hashlib.sha256).digest()[:_MAC_BYTES]


def _refusal() -> Problem:
    return Problem(
        problem_types.PARAMETER, faults=[Fault("/query/cursor", "cursor", "is not a cursor that we gave out")]
    )
