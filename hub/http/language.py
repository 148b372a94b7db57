"""Which of our two languages a caller wants to read (RFC 9110 §12.5.4)."""

import re
from typing import Final

from hub.http.problem_types import Language

_RANGE: Final = re.compile(r"(?P<tag>[a-z*]{1,8})(?:-[a-z0-9-]{1,40})?(?:\s*;\s*q=(?P<q>[01](?:\.\d{0,3})?))?")
DEFAULT: Final[Language] = "vi"


def chosen(accept_language: str) -> Language:
    """Vietnamese, unless English is wanted more. What cannot be read is passed over."""
    wishes = {"vi": 0.0, "en": 0.0}
    for part in accept_language.lower().split(",", 20)[:20]:
        match = _RANGE.fullmatch(part.strip())
        if match and match["tag"] in wishes:
            weight = float(match["q"] or "1")
            wishes[match["tag"]] = max(weight, wishes[match["tag"]])
    return "en" if wishes["en"] > wishes["vi"] else DEFAULT
