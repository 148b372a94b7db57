"""Errors of the hub. Each is a name and a sentence; the sentence is the message."""


class HubError(Exception):
    """Something that the hub will not do."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or str(self.__doc__))


class KeyReused(HubError):
    """This idempotency key was used before, with other content."""


class ReferenceReused(HubError):
    """This sender's reference was used before, with other content."""


class InFlight(HubError):
    """A request with this idempotency key is being accepted at this moment."""


class StaleClaim(HubError):
    """Another worker took this over while we were busy; what we found out is not written."""


class MoveRefused(HubError):
    """The lifecycle does not have this move."""


class RetryLater(HubError):
    """The message cannot be handled yet (its dossier has not arrived, an earlier report is missing); try later."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        super().__init__(detail)


class ManualAction(HubError):
    """The message can be understood by a person only; it moves nothing and waits."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        super().__init__(detail)


class MessageRefused(HubError):
    """The message cannot stand, whoever looks at it; it ends, and its sender is told why. ``reason`` is for them."""

    def __init__(self, code: str, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(reason)


class NotConfigured(HubError):
    """The environment does not say what the hub has to know."""


class NotFound(HubError):
    """There is nothing with this id."""


class Forbidden(HubError):
    """This is not for this person to decide."""


class InvalidState(HubError):
    """The state does not allow this."""
