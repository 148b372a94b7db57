"""Who did what to what, and why: append-only, enforced by the database."""

from hub.db import Connection


def note(
    conn: Connection,
    subject: str,
    actor: str,
    verb: str,
    *,
    before: str | None = None,
    after: str | None = None,
    reason: str | None = None,
) -> None:
    """Write a line about ``subject`` (one of our ids). ``actor`` is a person's account, a counterparty, or "hub"."""
    conn.execute(
        "INSERT INTO journal (subject, actor, verb, before, after, reason) VALUES (%s, %s, %s, %s, %s, %s)",
        (subject, actor, verb, before, after, reason),
    )
