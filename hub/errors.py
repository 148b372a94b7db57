"""Errors of the hub. The docstring of each is its message where no other is given."""


class HubError(Exception):
    """Base of the errors of the hub."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or str(self.__doc__))


class KeyReused(HubError):
    """This idempotency key was used before, with other content."""


class ReferenceReused(HubError):
    """This sender's reference was used before, with other content."""


class InFlight(HubError):
    """A request with this idempotency key is being accepted at this moment."""


class StaleClaim(HubError):
    """Another worker has claimed this since; nothing was written."""


class MoveRefused(HubError):
    """The lifecycle does not have this transition."""


class RetryLater(HubError):
    """The message cannot be handled yet (its dossier has not arrived, an earlier report is missing); try later."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        super().__init__(detail)


class ManualAction(HubError):
    """The message needs a person's decision; it changes nothing and waits."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        super().__init__(detail)


class MessageRefused(HubError):
    """The message is refused for good, and its sender is told ``reason``."""

    def __init__(self, code: str, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(reason)


class NotConfigured(HubError):
    """The environment lacks a setting."""


class NotFound(HubError):
    """Not found."""


class Forbidden(HubError):
    """This person may not decide this."""


class InvalidState(HubError):
    """The state does not allow this."""
