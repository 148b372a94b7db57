"""An entry of a counterparty's feed that cannot be read: set aside by itself, so that the feed goes on."""

import hashlib
from typing import Annotated

from pydantic import Field, StringConstraints

from schemas.strict import Strict


class UnreadableEntry(Strict):
    """An entry that is not what the contract says. Nothing of it is lost: a person looks at it."""

    key: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    """the same whenever the entry is read again"""
    document: Annotated[str, Field(max_length=8 * 1024 * 1024)]
    """the entry as it came: the text of its JSON or XML; a byte that is no UTF-8 is written \\xff"""
    why: Annotated[str, StringConstraints(max_length=500)] = ""
    """which rule it breaks, and where; never what it holds"""

    @classmethod
    def entry(cls, document: str, why: str = "", key: str | None = None) -> "UnreadableEntry":
        """``document`` as it was cut out of its page; named by its fingerprint, unless the feed has a ``key`` for it.

        Bytes that are no UTF-8 stand in ``document`` as Python's surrogate escapes.
        """
        raw = document.encode("utf-8", "surrogateescape")
        text = raw.decode("utf-8", "backslashreplace")
        return cls(key=key or f"entry:{hashlib.sha256(raw).hexdigest()}", document=text, why=why[:500])
