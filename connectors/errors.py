"""The four errors that a call to a counterparty may raise; connectors.transport maps every other exception to them."""

from typing import Any, Final

from schemas.explained import Explained
from schemas.values import cleaned

REASON_LIMIT: Final = 1_000
"""characters of a refusal's reason that are kept"""


class ConnectorCode(Explained):
    """Why a call failed, as a stable word: in attempts, logs, metrics and docs/reference/errors."""

    UNREACHABLE = (
        "PARTNER_UNREACHABLE",
        "No connection could be made, or it broke before the request had been written; nothing was done.",
    )
    TIMEOUT = (
        "PARTNER_TIMEOUT",
        "The request was written and no complete reply came in time; it may have been acted on.",
    )
    CUT = (
        "PARTNER_CUT",
        "The request was written and the connection broke before the reply was complete; it may have been acted on.",
    )
    TLS = (
        "PARTNER_TLS",
        "The secure connection failed: a certificate is not trusted, has expired or is for another name.",
    )
    BUSY = ("PARTNER_BUSY", "The other party says that it cannot take the request now; nothing was done.")
    ERROR = ("PARTNER_ERROR", "The other party failed while it handled the request; it may have been acted on.")
    AUTH = (
        "PARTNER_AUTH",
        "The other party does not accept our credentials; the dossier was not judged. Correct the secret, then replay.",
    )
    ADDRESS = (
        "PARTNER_ADDRESS",
        "The address in the catalogue cannot be used, or leads into a network to which we do not send.",
    )
    REJECTED = ("PARTNER_REJECTED", "The other party understood and refuses; the same again would be refused again.")
    DECLINED = (
        "PARTNER_DECLINED",
        "The receiver of a notice declines it; nobody's dossier depends on that, so it is offered again.",
    )
    DUPLICATE = ("PARTNER_DUPLICATE", "The other party has this dossier already.")
    CONTRACT = ("PARTNER_CONTRACT", "The reply is not one that the contract has; a person must look.")
    SIGNATURE = (
        "PARTNER_SIGNATURE",
        "The reply is not signed by the other party as agreed, so it is not believed; a person must look.",
    )
    UNSIGNED_FAULT = (
        "PARTNER_UNSIGNED_FAULT",
        "A fault came back without the other party's signature, perhaps from a gateway; it may have been acted on.",
    )
    ISSUER = (
        "ISSUER_CANNOT",
        "The issuer of receipts cannot issue or cancel now (its ERR says why); nothing was done. Mend it, then replay.",
    )
    OUR_MESSAGE = (
        "OUR_MESSAGE_INVALID",
        "What we would have said is not what the contract allows; nothing was sent and a person must look.",
    )
    OUR_CERTIFICATE = (
        "OUR_CERTIFICATE",
        "Our signing certificate is not valid now; nothing was sent. Renew it, and the transfers go on by themselves.",
    )


class ConnectorError(Exception):
    """A call to a counterparty did not succeed."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code = code
        """A stable word: a ``ConnectorCode`` unless the dialect has its own; has a page in docs/reference/errors."""
        self.detail = cleaned(detail)
        """One sentence for a person; never anything from a message's content (a media type may stand in it)."""
        meaning, _, _ = (self.__doc__ or "").partition("\n")
        super().__init__(f"{code}: {self.detail or meaning}")


class Unavailable(ConnectorError):
    """No complete reply, or one that says "not now"; try again later.

    ``outcome_unknown``: the request had been sent, so the other party may have acted on it and must be asked before
    anything is sent again. ``retry_after``: seconds, as the other party asks (Retry-After).
    """

    def __init__(
        self, code: str, detail: str = "", *, outcome_unknown: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(code, detail)
        self.outcome_unknown = outcome_unknown
        self.retry_after = retry_after


class Rejected(ConnectorError):
    """The other party understood and refuses; sending the same again would not help.

    ``reason`` is the other party's own words for the applicant, cleaned; it is stored, never logged.
    """

    def __init__(self, code: str, detail: str = "", *, reason: str = "") -> None:
        super().__init__(code, detail)
        self.reason = cleaned(reason)[:REASON_LIMIT]


class Duplicate(ConnectorError):
    """The other party already has this: a success.

    ``reply`` is what a first answer would have been (a department's Receipt); None if the other party only says so.
    """

    def __init__(self, code: str, detail: str = "", *, reply: Any = None) -> None:
        super().__init__(code, detail)
        self.reply = reply


class ContractBroken(ConnectorError):
    """The reply is not one that the contract allows; a person must look."""
