"""Revocation lists as we hold them: each that was ever fetched; a signature is judged by the list of its day."""

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
"""in the keys' folder: lists that were put there by hand, or came with a development authority"""


class CrlContext(Protocol):
    """What keeping a list needs of hub.unit_of_work.UnitOfWork."""

    @property
    def conn(self) -> Connection: ...


def keep_fetched(uow: CrlContext, message: Message) -> list[Event]:
    """Keep the list that a CA's poll has brought (inbox kind trust.crl)."""
    store(uow.conn, message.body)
    return []


def store(conn: Connection, der: bytes) -> None:
    """Add a list (DER). The same one twice is one. Raises ValueError for what is no list or says no next update.

    Its signature is not verified here: hub.signing.trust looks at no list that its issuer has not signed.
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
    """The last few lists of every issuer: the newest may be a forgery, which then does not hide the one before."""
    rows = conn.execute(
        "SELECT der FROM (SELECT der, row_number() OVER (PARTITION BY issuer ORDER BY this_update DESC) AS place"
        " FROM crl) AS lists WHERE place <= 3"
    ).fetchall()
    return [bytes(row["der"]) for row in rows]


def in_folder(keys: Path) -> list[bytes]:
    """The lists that lie in the keys' folder."""
    return [path.read_bytes() for path in sorted((keys / FOLDER).glob("*.crl"))]
