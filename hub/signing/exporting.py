"""Export from the custody log: a handoff's records with proofs, certificates and revocation lists, as a bundle."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hub.db import Connection
from hub.errors import InvalidState, NotFound
from hub.signing import asn1, checkpoints, cms, custody, merkle
from hub.signing.bundle import Bundle, BundledRecord
from hub.signing.custody import Leaf
from hub.signing.merkle import InclusionProof
from hub.signing.trust import load_crl


def export(conn: Connection, handoff_id: str, crls: Sequence[bytes] = ()) -> Bundle:
    """Export the bundle of a handoff. ``crls``: revocation lists (DER) beside those in the table ``crl``.

    Raises NotFound if nothing was signed under this id, InvalidState while a record is not covered by a checkpoint.
    """
    leaves = custody.leaves_about(conn, handoff_id)
    if not leaves:
        raise NotFound(f"nothing signed is in the custody log under {handoff_id}")
    return bundle_of(conn, leaves, crls)


def bundle_of(conn: Connection, leaves: Sequence[Leaf], crls: Sequence[bytes] = ()) -> Bundle:
    """Bundle ``leaves`` with proofs, issuing certificates and revocation lists. Raises InvalidState as ``export``."""
    proved = [_proved(conn, leaf) for leaf in leaves]
    embedded = [certificate for record, _ in proved for certificate in _embedded(record)]
    return Bundle(
        records=tuple(record for record, _ in proved),
        certificates=tuple(certificate.public_bytes(Encoding.PEM) for certificate in _issuing(embedded)),
        crls=tuple(_crls(conn, [moment for _, moment in proved], embedded, crls)),
    )


def _proved(conn: Connection, leaf: Leaf) -> tuple[BundledRecord, datetime]:
    """The leaf with its inclusion proof, and the time as of which its signatures are judged."""
    covering = None if leaf.place is None else checkpoints.covering(conn, leaf.place)
    if leaf.place is None or covering is None:
        raise InvalidState(
            f"{leaf.subject}: its {leaf.kind} is signed and not in the custody log yet; try again in a minute"
        )
    checkpoint, stamp = covering
    path = merkle.inclusion_path(leaf.place, checkpoint.size, lambda level, at: custody.node(conn, level, at))
    proof = InclusionProof(
        place=leaf.place,
        size=checkpoint.size,
        record_hash=leaf.record_hash,
        signature_hashes=tuple(leaf.signature_hashes),
        path=tuple(path),
        root=checkpoint.root,
    )
    record = BundledRecord(
        kind=leaf.kind,
        record=leaf.record,
        record_hash=leaf.record_hash,
        signatures=tuple(leaf.signatures),
        proof=proof.write(),
        checkpoint=checkpoint.body,
        checkpoint_signature=checkpoint.signature,
        stamp=stamp.der if stamp else None,
    )
    return record, stamp.at if stamp else checkpoint.at


def _embedded(record: BundledRecord) -> Iterator[x509.Certificate]:
    """Certificates in the record's signatures and time stamp."""
    for file in (*record.signatures, record.checkpoint_signature, record.stamp):
        if file is not None:
            yield from asn1.read_signed_data(file).certificates


def _issuing(certificates: Iterable[x509.Certificate]) -> list[x509.Certificate]:
    """The intermediates among ``certificates``; roots are left out, since the reader trusts only those he has."""
    issuing = {one for one in certificates if one.subject != one.issuer and _is_authority(one)}
    return sorted(issuing, key=cms.encoded)


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return False


def _crls(
    conn: Connection, moments: Sequence[datetime], certificates: Iterable[x509.Certificate], more: Sequence[bytes]
) -> list[bytes]:
    """Choose for every issuer the list in force at each moment, and the newest one, for later revocations."""
    issuers = {certificate.issuer.public_bytes() for certificate in certificates}
    rows = conn.execute("SELECT der FROM crl WHERE issuer = ANY(%s)", (list(issuers),)).fetchall()
    available = {bytes(row["der"]) for row in rows} | set(more)
    chosen: set[bytes] = set()
    for issuer in issuers:
        issued = sorted(
            (crl.last_update_utc, encoded)
            for encoded in available
            if (crl := load_crl(encoded)).issuer.public_bytes() == issuer
        )
        for moment in moments:
            before = [encoded for since, encoded in issued if since <= moment]
            chosen |= set(before[-1:])
        chosen |= {encoded for _, encoded in issued[-1:]}
    return sorted(chosen)
