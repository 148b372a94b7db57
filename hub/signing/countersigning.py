"""A department's own signatures: verified like anybody's, and bound to the department by what its TOML says."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from cryptography import x509

from config.catalogue import Catalogue, Department
from hub.errors import NotConfigured
from hub.signing import parties, verifier
from hub.signing.parties import SigningParty, fingerprint
from hub.signing.trust import Trust
from hub.signing.verdicts import Invalid, Undecided
from hub.signing.verifier import VerifiedSignature
from schemas.handoff import HandoffRecord, ReceiptRecord
from schemas.trust_list import TrustEntry


def verify_seal(
    content: bytes, signature: bytes, department: Department, catalogue: Catalogue, trust: Trust, at: datetime
) -> VerifiedSignature:
    """Whose signature it is, if ``department``'s seal made it and it is valid at ``at``.

    ``trust``: the hub's own; a department with a CA of its own is judged by that. Raises Invalid, Undecided, and
    NotConfigured where that CA's file cannot be used.
    """
    own = department_trust(department, catalogue, trust)
    return _verified(content, signature, department, [SigningParty("seal", department.agency)], own, at)


def check_record(
    said: ReceiptRecord | HandoffRecord,
    record: bytes,
    signatures: Sequence[bytes],
    department: Department,
    catalogue: Catalogue,
    trust: Trust,
    at: datetime,
) -> None:
    """That everybody signed ``record`` who has to, as its readers will ask: the person first, then the seal on that.

    ``said``: the record, read. Raises as ``verify_seal`` does.
    """
    own, content = department_trust(department, catalogue, trust), record
    wanted = parties.required_signers(said, catalogue.portal.centre)
    if len(wanted) != len(signatures):
        raise Invalid("signatures", f"{len(signatures)} signatures, and the record needs {len(wanted)}")
    for signature, must_be in zip(signatures, wanted, strict=True):
        _verified(content, signature, department, must_be, own, at)
        content = signature


def _verified(
    content: bytes, signature: bytes, department: Department, wanted: Sequence[SigningParty], own: Trust, at: datetime
) -> VerifiedSignature:
    signed = verifier.verify(content, signature, own, at=at)
    try:
        for party in wanted:
            parties.check(list(department_entries(department, own.roots)), party, signed.chain, at)
    except Undecided as end:
        raise Invalid(end.code, f"the certificate is not one of {department.code}, by the catalogue") from None
    return signed


def department_trust(department: Department, catalogue: Catalogue, trust: Trust) -> Trust:
    """The roots that vouch for ``department``, with the revocation lists of ``trust``. Raises NotConfigured."""
    if department.signing.ca is None:
        return trust
    path = catalogue.folder / department.signing.ca
    try:
        return Trust.load(path.read_bytes()).extended(crls=trust.crls)
    except (OSError, ValueError) as error:
        raise NotConfigured(f"{path}: {error}") from None


def department_entries(department: Department, roots: Sequence[x509.Certificate]) -> Iterator[TrustEntry]:
    """Its seal as the catalogue knows it; officers of its own by the id that their certificates carry."""
    own = department.signing.certificates
    for code in agency_codes(department):
        for certificate in own:
            yield TrustEntry(kind="seal", holder=code, certificate=certificate)
        for root in map(fingerprint, roots):
            if not own:
                for subject in dict.fromkeys((department.code, *agency_codes(department))):
                    yield TrustEntry(kind="seal", holder=code, root=root, subject=subject)
            yield TrustEntry(kind="officer", holder=code, root=root)


def agency_codes(department: Department) -> list[str]:
    """Its codes in both registers."""
    return list(dict.fromkeys((department.agency, department.qd20)))
