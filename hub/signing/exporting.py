"""From the custody log to a bundle: one handoff, and all that a stranger needs to judge it."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hub.db import Connection
from hub.errors import InvalidState, NotFound
from hub.signing import checkpoints, custody, merkle, signed_data
from hub.signing.bundle import Bundle, BundledAct
from hub.signing.custody import Leaf
from hub.signing.proof import InclusionProof
from hub.signing.trust import list_of


def export(conn: Connection, handoff_id: str, lists: Sequence[bytes] = ()) -> Bundle:
    """The bundle of a handoff. ``lists``: revocation lists (DER) that we hold beside the table of those fetched.

    Raises NotFound where nothing was signed under this id, InvalidState while it is not in the log yet.
    """
    leaves = custody.about(conn, handoff_id)
    if not leaves:
        raise NotFound(f"nothing signed is in the custody log under {handoff_id}")
    return bundled(conn, leaves, lists)


def bundled(conn: Connection, leaves: Sequence[Leaf], lists: Sequence[bytes] = ()) -> Bundle:
    """These leaves with their proofs, and what their signatures are judged by.

    Raises InvalidState as ``export`` does.
    """
    acts = [_act(conn, leaf) for leaf in leaves]
    certificates = _issuers(acts)
    return Bundle(
        acts=tuple(act for act, _ in acts),
        certificates=tuple(one.public_bytes(Encoding.PEM) for one in certificates),
        crls=tuple(_lists(conn, [moment for _, moment in acts], _names_of_issuers(acts), lists)),
    )


def _act(conn: Connection, leaf: Leaf) -> tuple[BundledAct, datetime]:
    covering = None if leaf.place is None else checkpoints.covering(conn, leaf.place)
    if leaf.place is None or covering is None:
        raise InvalidState(
            f"{leaf.subject}: its {leaf.kind} is signed and not in the custody log yet; try again in a minute"
        )
    checkpoint, stamp = covering
    path = merkle.inclusion_path(leaf.place, checkpoint.size, lambda level, at: custody.node(conn, level, at))
    shown = InclusionProof(
        place=leaf.place,
        size=checkpoint.size,
        record_hash=leaf.record_hash,
        signature_hashes=tuple(leaf.signature_hashes),
        path=tuple(path),
        root=checkpoint.root,
    )
    act = BundledAct(
        kind=leaf.kind,
        record=leaf.record,
        record_hash=leaf.record_hash,
        signatures=tuple(leaf.signatures),
        proof=shown.write(),
        checkpoint=checkpoint.body,
        checkpoint_signature=checkpoint.signature,
        stamp=stamp.der if stamp else None,
    )
    return act, stamp.at if stamp else checkpoint.at


def _embedded(acts: Iterable[tuple[BundledAct, datetime]]) -> Iterable[x509.Certificate]:
    for act, _ in acts:
        for file in (*act.signatures, act.checkpoint_signature, act.stamp):
            if file is not None:
                yield from signed_data.read(file).certificates


def _issuers(acts: Sequence[tuple[BundledAct, datetime]]) -> list[x509.Certificate]:
    """The issuing certificates that came with the signatures; roots are the reader's own business."""
    found = {one: None for one in _embedded(acts) if one.subject != one.issuer and _is_authority(one)}
    return sorted(found, key=lambda one: one.public_bytes(Encoding.DER))


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return False


def _names_of_issuers(acts: Sequence[tuple[BundledAct, datetime]]) -> set[bytes]:
    return {one.issuer.public_bytes() for one in _embedded(acts)}


def _lists(conn: Connection, moments: Sequence[datetime], issuers: set[bytes], beside: Sequence[bytes]) -> list[bytes]:
    """For every issuer: the list in force at each moment, and the newest one, for what became known later."""
    rows = conn.execute("SELECT der FROM crl WHERE issuer = ANY(%s)", (list(issuers),)).fetchall()
    held = {bytes(row["der"]) for row in rows} | set(beside)
    chosen: set[bytes] = set()
    for issuer in issuers:
        theirs = sorted(
            (crl.last_update_utc, der) for der in held if (crl := list_of(der)).issuer.public_bytes() == issuer
        )
        for moment in moments:
            before = [der for since, der in theirs if since <= moment]
            chosen |= set(before[-1:])
        chosen |= {der for _, der in theirs[-1:]}
    return sorted(chosen)
