"""Verify signatures of departments, and bind them to the department by the certificates or CA in its TOML."""

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
    """Verify a signature of ``department``'s seal at ``at``.

    ``trust``: the hub's own; a department with its own CA is judged by that CA. Raises Invalid, Undecided, and
    NotConfigured if that CA's file cannot be used.
    """
    own = department_trust(department, catalogue, trust)
    return _verified(content, signature, department, [SigningParty("seal", department.agency)], own, at)


def check_record(
    record: ReceiptRecord | HandoffRecord,
    content: bytes,
    signatures: Sequence[bytes],
    department: Department,
    catalogue: Catalogue,
    trust: Trust,
    at: datetime,
) -> None:
    """Check that all required parties signed a record, by the rules of hub.signing.judge.

    The person signs ``content``, the bytes of ``record``; the seal signs the person's signature. Raises as
    ``verify_seal`` does.
    """
    own = department_trust(department, catalogue, trust)
    required = parties.required_signers(record, catalogue.portal.centre)
    if len(required) != len(signatures):
        raise Invalid("signatures", f"{len(signatures)} signatures, and the record needs {len(required)}")
    for signature, signer in zip(signatures, required, strict=True):
        _verified(content, signature, department, signer, own, at)
        content = signature


def _verified(
    content: bytes, signature: bytes, department: Department, signer: Sequence[SigningParty], own: Trust, at: datetime
) -> VerifiedSignature:
    signed = verifier.verify(content, signature, own, at=at)
    try:
        for party in signer:
            parties.check(list(department_entries(department, own.roots)), party, signed.chain, at)
    except Undecided as failure:
        raise Invalid(failure.code, f"the certificate is not one of {department.code}, by the catalogue") from None
    return signed


def department_trust(department: Department, catalogue: Catalogue, trust: Trust) -> Trust:
    """``trust``; for a department with its own CA, its roots with the lists of ``trust``. Raises NotConfigured."""
    if department.signing.ca is None:
        return trust
    path = catalogue.folder / department.signing.ca
    try:
        return Trust.load(path.read_bytes()).extended(crls=trust.crls)
    except (OSError, ValueError) as error:
        raise NotConfigured(f"{path}: {error}") from None


def department_entries(department: Department, roots: Sequence[x509.Certificate]) -> Iterator[TrustEntry]:
    """Trust list entries of a department: its seal by the catalogue, its officers by the id in their certificates."""
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
    """The department's agency codes in both registers."""
    return list(dict.fromkeys((department.agency, department.qd20)))
