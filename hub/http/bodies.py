"""Reading what was sent: the raw bytes, under a cap, before anybody has looked into them."""

import asyncio
import re
from typing import Final

from starlette.requests import Request

from hub.http import problem_types
from hub.http.problems import Problem

LIMIT: Final = 1_048_576
"""bytes of a body; larger things travel by reference and SHA-256"""
SECONDS: Final = 30.0
"""within which a body has to be here"""

JSON: Final = re.compile(r'application/json(\s*;\s*charset="?utf-8"?)?', re.IGNORECASE)
SOAP: Final = re.compile(r'text/xml(\s*;\s*charset="?utf-8"?)?', re.IGNORECASE)


async def read(request: Request, media_type: re.Pattern[str], *, limit: int = LIMIT) -> bytes:
    """The body's bytes. Raises Problem for another media type, any content encoding, and more than ``limit`` bytes."""
    headers = request.headers
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(problem_types.ENCODING)
    if not media_type.fullmatch(headers.get("content-type", "").strip()):
        raise Problem(problem_types.MEDIA_TYPE)
    announced = headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced) > limit:
        raise Problem(problem_types.TOO_LARGE)
    try:
        async with asyncio.timeout(SECONDS):
            return await _collect(request, limit)
    except TimeoutError:
        raise Problem(problem_types.TOO_SLOW) from None


async def _collect(request: Request, limit: int) -> bytes:
    collected = bytearray()
    async for chunk in request.stream():
        collected += chunk
        if len(collected) > limit:
            raise Problem(problem_types.TOO_LARGE)
    return bytes(collected)
