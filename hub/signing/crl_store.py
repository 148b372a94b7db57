"""Store of certificate revocation lists. All are kept, since a signature is judged by the list of its day."""

import hashlib
from pathlib import Path
from typing import Final, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hub.db import Connection
from hub.events import Event
from hub.messages.model import Message

KIND: Final = "trust.crl"
FOLDER: Final = "crls"
"""in the keys' folder: lists put there by hand, or by the development CA"""


class CrlContext(Protocol):
    """The part of hub.unit_of_work.UnitOfWork that ``keep_fetched`` uses."""

    @property
    def conn(self) -> Connection: ...


def keep_fetched(uow: CrlContext, message: Message) -> list[Event]:
    """Store a list fetched from a CA (inbox kind trust.crl)."""
    store(uow.conn, message.body)
    return []


def store(conn: Connection, der: bytes) -> None:
    """Store a list (DER), once. Raises ValueError if it is unreadable or has no nextUpdate.

    Its signature is not verified here: hub.signing.trust ignores a list that its issuer has not signed.
    """
    crl = x509.load_der_x509_crl(der)
    if crl.next_update_utc is None:
        raise ValueError("the list does not say when the next one comes, so it could be used for ever")
    number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    conn.execute(
        "INSERT INTO crl (hash, issuer, number, this_update, next_update, der) VALUES (%s, %s, %s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (
            hashlib.sha256(der).digest(),
            crl.issuer.public_bytes(),
            number,
            crl.last_update_utc,
            crl.next_update_utc,
            crl.public_bytes(Encoding.DER),
        ),
    )


def newest(conn: Connection) -> list[bytes]:
    """The three newest lists (DER) of every issuer."""
    # Not only the newest: that may be a forgery, and must not displace the genuine one before it.
    rows = conn.execute(
        "SELECT der FROM (SELECT der, row_number() OVER (PARTITION BY issuer ORDER BY this_update DESC) AS place"
        " FROM crl) AS lists WHERE place <= 3"
    ).fetchall()
    return [bytes(row["der"]) for row in rows]


def in_folder(keys: Path) -> list[bytes]:
    """Lists (DER or PEM) in the keys' folder."""
    return [path.read_bytes() for path in sorted((keys / FOLDER).glob("*.crl"))]
