"""The table of problems: every way in which the API refuses a request, with its stable code and its messages.

``code`` and ``status`` are the contract and never change; titles and advice may. The table also makes
docs/reference/problems.md.
"""

from dataclasses import dataclass
from typing import Final

from hub.locale import msgid


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A type of problem (RFC 9457): ``title`` says what happened, ``advice`` what the caller should do (msgids)."""

    code: str
    status: int
    title: str
    advice: str

    @property
    def uri(self) -> str:
        """``type``: a name, the same on every installation, not an address."""
        return f"urn:lienthong:hub:problem:{self.code}"


MALFORMED: Final = ProblemType(
    "request-malformed",
    400,
    msgid("The HTTP request is malformed"),
    msgid(
        "A header that may occur only once is repeated, or a header cannot be parsed. Correct the request and send it"
        " again."
    ),
)
KEY_MISSING: Final = ProblemType(
    "idempotency-key-missing",
    400,
    msgid("The Idempotency-Key is missing"),
    msgid("Send an Idempotency-Key of 1 to 255 visible ASCII characters, the same one in every repetition."),
)
NOT_JSON: Final = ProblemType(
    "body-not-readable",
    400,
    msgid("The body cannot be read"),
    msgid("The body must be JSON (RFC 8259) in UTF-8."),
)
NOT_SOAP: Final = ProblemType(
    "envelope-not-readable",
    400,
    msgid("The SOAP envelope cannot be read"),
    msgid("Send one SOAP 1.1 envelope as the WSDL has it, in UTF-8, without a DOCTYPE."),
)
HEADER_UNKNOWN: Final = ProblemType(
    "soap-header-not-understood",
    400,
    msgid("A SOAP header that must be understood is not understood"),
    msgid("Leave out header blocks with mustUnderstand that the WSDL does not have, such as WS-Addressing."),
)
SIGNATURE_REFUSED: Final = ProblemType(
    "authentication-failed",
    401,
    msgid("The sender could not be authenticated"),
    msgid(
        "Check the key, the covered components and the clock (300 seconds at most). The reason is in"
        " the Centre's log: give the Centre the request_id."
    ),
)
NOT_FOUND: Final = ProblemType(
    "not-found",
    404,
    msgid("Not found"),
    msgid("Check the path and the identifier."),
)
METHOD_NOT_ALLOWED: Final = ProblemType(
    "method-not-allowed",
    405,
    msgid("The method is not allowed"),
    msgid("Use one of the methods in the Allow header."),
)
TOO_SLOW: Final = ProblemType(
    "request-too-slow",
    408,
    msgid("The request took too long to arrive"),
    msgid("Send the whole request again."),
)
IN_FLIGHT: Final = ProblemType(
    "request-in-flight",
    409,
    msgid("A request with this key is being accepted at this moment"),
    msgid("Send the same request again after Retry-After seconds."),
)
TOO_LARGE: Final = ProblemType(
    "body-too-large",
    413,
    msgid("The body is too large"),
    msgid("1 MiB at most. Send large papers by reference with their SHA-256."),
)
ENCODING: Final = ProblemType(
    "content-encoding-not-supported",
    415,
    msgid("Encoded bodies are not accepted"),
    msgid("Send the body as it is, without Content-Encoding."),
)
MEDIA_TYPE: Final = ProblemType(
    "media-type-not-supported",
    415,
    msgid("The media type is not supported"),
    msgid("Use application/json (text/xml at the SOAP endpoint), in UTF-8."),
)
CONTENT: Final = ProblemType(
    "content-invalid",
    422,
    msgid("The content is not valid"),
    msgid(
        "Correct each place named in errors (JSON pointer) and send again. Nothing was stored, so the"
        " Idempotency-Key is still free: the same one may be used."
    ),
)
PARAMETER: Final = ProblemType(
    "parameter-invalid",
    422,
    msgid("A parameter is not valid"),
    msgid("Correct the parameter named in errors."),
)
KEY_REUSED: Final = ProblemType(
    "idempotency-key-reused",
    422,
    msgid("The Idempotency-Key was used with other content"),
    msgid("Use a new key for new content."),
)
REFERENCE_REUSED: Final = ProblemType(
    "reference-reused",
    422,
    msgid("The reference was used with other content"),
    msgid("A reference (report_id) is never reused. Use a new one for new content."),
)
RATE_LIMIT_EXCEEDED: Final = ProblemType(
    "rate-limit-exceeded",
    429,
    msgid("Too many requests"),
    msgid(
        "Nothing was stored. Send the same request with the same Idempotency-Key after Retry-After seconds; RateLimit"
        " and RateLimit-Policy say how many requests are left."
    ),
)
INTERNAL: Final = ProblemType(
    "internal-error",
    500,
    msgid("Internal error"),
    msgid("Send it again later with the same Idempotency-Key. If it persists, give the Centre the request_id."),
)
UNAVAILABLE: Final = ProblemType(
    "unavailable",
    503,
    msgid("The hub cannot accept requests at the moment"),
    msgid(
        "It may not have been stored. Send the same request with the same Idempotency-Key after Retry-After seconds."
    ),
)

OVERLOADED: Final = ProblemType(
    "overloaded",
    503,
    msgid("The hub has as many requests in progress as it can take"),
    msgid("Nothing was stored. Send the same request with the same Idempotency-Key after Retry-After seconds."),
)

BACKLOG_FULL: Final = ProblemType(
    "backlog-full",
    503,
    msgid("Too much is waiting to be handled"),
    msgid("Nothing was stored. Send the same request with the same Idempotency-Key after Retry-After seconds."),
)

KINDS: Final = (
    MALFORMED,
    KEY_MISSING,
    NOT_JSON,
    NOT_SOAP,
    HEADER_UNKNOWN,
    SIGNATURE_REFUSED,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    TOO_SLOW,
    IN_FLIGHT,
    TOO_LARGE,
    ENCODING,
    MEDIA_TYPE,
    CONTENT,
    PARAMETER,
    KEY_REUSED,
    REFERENCE_REUSED,
    RATE_LIMIT_EXCEEDED,
    INTERNAL,
    UNAVAILABLE,
    OVERLOADED,
    BACKLOG_FULL,
)
OF_A_READ: Final = (SIGNATURE_REFUSED, METHOD_NOT_ALLOWED, PARAMETER)
OF_A_WRITE: Final = (
    NOT_JSON,
    SIGNATURE_REFUSED,
    METHOD_NOT_ALLOWED,
    TOO_SLOW,
    IN_FLIGHT,
    TOO_LARGE,
    ENCODING,
    MEDIA_TYPE,
    CONTENT,
    KEY_REUSED,
    REFERENCE_REUSED,
    BACKLOG_FULL,
)
BY_STATUS: Final = {400: MALFORMED, 404: NOT_FOUND, 405: METHOD_NOT_ALLOWED, 413: TOO_LARGE, 503: UNAVAILABLE}
"""For what FastAPI refuses by itself."""
