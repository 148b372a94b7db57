"""The four fates of a call that did not simply succeed. Every foreign error becomes one of these at the wall."""

from typing import Any


class ConnectorError(Exception):
    """A counterparty could not be spoken to."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code = code
        """A stable word such as DEPT_TIMEOUT; has a page in docs/reference/errors."""
        self.detail = detail
        """One sentence for a person; never anything from a message's content."""
        super().__init__(f"{code}: {detail or self.__doc__}")


class Unavailable(ConnectorError):
    """The other party did not answer, or said that it cannot now; try again later.

    ``outcome_unknown`` is true when the request's bytes had left: the other party may have acted on them, so it must be
    asked before anything is sent again. ``retry_after`` is the other party's own wish, in seconds.
    """

    def __init__(
        self, code: str, detail: str = "", *, outcome_unknown: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(code, detail)
        self.outcome_unknown = outcome_unknown
        self.retry_after = retry_after


class Rejected(ConnectorError):
    """The other party understood and says no; sending the same again would not help.

    ``reason`` is the other party's own words for the applicant; it is stored, never logged.
    """

    def __init__(self, code: str, detail: str = "", *, reason: str = "") -> None:
        super().__init__(code, detail)
        self.reason = reason


class Duplicate(ConnectorError):
    """The other party already has this; treat it as done. ``reply`` is what it answers about the one it has."""

    def __init__(self, code: str, detail: str = "", *, reply: Any = None) -> None:
        super().__init__(code, detail)
        self.reply = reply


class ContractBroken(ConnectorError):
    """The other party said something that its contract does not have; a person must look."""
