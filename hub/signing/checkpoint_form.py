"""A checkpoint's bytes: canonical JSON of one shape, so that its hash, its signature and its stamp mean one thing."""

from hub.signing import canonical
from schemas import strict
from schemas.custody import LogCheckpoint


class NotACheckpoint(ValueError):
    """The bytes are no checkpoint; the text says why and never quotes them."""


def read(body: bytes) -> LogCheckpoint:
    """The checkpoint in ``body``. Raises NotACheckpoint."""
    try:
        canonical.decode(body)
        return strict.read(LogCheckpoint, body)
    except canonical.NotCanonical as error:
        raise NotACheckpoint(str(error)) from None
    except strict.Refused as refused:
        raise NotACheckpoint(
            ", ".join(f"{fault.pointer or '/'} {fault.code}" for fault in refused.faults[:3])
        ) from None
