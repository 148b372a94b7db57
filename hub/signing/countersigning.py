"""A department's own signatures: verified like anybody's, and bound to the department by what its TOML says."""

import hashlib
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from config.catalogue import Catalogue, Department
from hub.errors import NotConfigured
from hub.signing import verifier
from hub.signing.trust import Trust
from hub.signing.verdicts import Invalid
from hub.signing.verifier import Signed


def verified(
    content: bytes, signature: bytes, department: Department, catalogue: Catalogue, trust: Trust, at: datetime
) -> Signed:
    """Whose signature it is, if ``department`` made it and it is valid at ``at``.

    ``trust``: the house's own; a department with a CA of its own is judged by that. Raises Invalid, Undecided, and
    NotConfigured where that CA's file cannot be used.
    """
    signed = verifier.verify(content, signature, trust_of(department, catalogue, trust), at=at)
    if not _is_of(signed.certificate, department):
        raise Invalid("not-the-department", f"the certificate is not one of {department.code}")
    return signed


def trust_of(department: Department, catalogue: Catalogue, trust: Trust) -> Trust:
    """The roots that vouch for ``department``, with the revocation lists of ``trust``. Raises NotConfigured."""
    if department.signing.ca is None:
        return trust
    path = catalogue.folder / department.signing.ca
    try:
        return Trust.load(path.read_bytes()).knowing(crls=trust.crls)
    except (OSError, ValueError) as error:
        raise NotConfigured(f"{path}: {error}") from None


def _is_of(certificate: x509.Certificate, department: Department) -> bool:
    if department.signing.certificates:
        return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest() in department.signing.certificates
    named = {attribute.value for attribute in certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)}
    return bool(named & {department.code, department.agency, department.qd20})
