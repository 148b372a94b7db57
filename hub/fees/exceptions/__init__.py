"""Work for persons about money: exceptions, what they mean, and how they are settled (docs/reference/exceptions.md)."""

from hub.fees.exceptions.store import (
    FeeException,
    Opening,
    codes_about,
    find,
    open_about,
    open_all,
    open_exception,
    reopen,
    resolve_about,
    resolve_paid,
    resolve_refunded,
)

__all__ = [
    "FeeException",
    "Opening",
    "codes_about",
    "find",
    "open_about",
    "open_all",
    "open_exception",
    "reopen",
    "resolve_about",
    "resolve_paid",
    "resolve_refunded",
]
