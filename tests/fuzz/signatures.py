"""What departments and authorities sign: every reader of ASN.1 in hub.signing.asn1.

The files in ``signed`` were made once, by the test authority and the sandbox's time-stamping authority, so that a
seed of the fuzzer makes the same file again. ``make_files`` makes them anew.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from connectors.sandbox.trust_services import time_stamp_response
from connectors.trust.development_authority import DevelopmentAuthority
from hub.signing import asn1, cms, stamps, verifier
from hub.signing.verdicts import Invalid, Undecided
from tests.fuzz import mutations
from tests.fuzz.mutations import Mutation
from tests.fuzz.subject import FuzzSubject
from tests.self_signed import rsa_key
from tests.unit.signing.authority import DAY, SigningAuthority

FOLDER: Final = Path(__file__).parent / "signed"
CONTENT: Final = b'{"dossier":"000.00.01.H26-261124-0001","typ":"vn.hub.handoff"}\r\n'
DIGEST: Final = hashlib.sha256(CONTENT).digest()
NONCE: Final = 0xC0FFEE
WAYS: Final[tuple[Mutation, ...]] = (mutations.some_bytes, mutations.some_bytes, mutations.some_der)
SAYS: Final = (Invalid, Undecided, UserWarning)
"""cryptography warns of names of a length that X.520 does not have; an error in tests"""


def make_files(folder: Path) -> None:
    """Write new files into ``signed``, with the authority's keys in ``folder``."""
    issuing = SigningAuthority("Issuing CA", SigningAuthority())
    holders = {"p256": issuing.issue(), "rsa": issuing.issue(key=rsa_key())}
    for name, holder in holders.items():
        (FOLDER / f"{name}.p7s").write_bytes(cms.sign(CONTENT, holder, DAY))
        (FOLDER / f"{name}.cer").write_bytes(cms.encoded(holder.certificate))
    reply = time_stamp_response(stamps.request(DIGEST, NONCE), DevelopmentAuthority(folder), DAY)
    (FOLDER / "reply.tsr").write_bytes(reply)


def _files(ending: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(FOLDER.glob(f"*.{ending}"))]


def _attribute(kind: str) -> list[bytes]:
    """The value (DER) of a signed attribute in each signature."""
    return [asn1.read_signed_data(file).attributes[kind] for file in _files("p7s")]


def _token(raw: bytes) -> None:
    signed = asn1.read_signed_data(stamps.normalised(raw))
    certificate = cms.signer_certificate(signed)
    cms.check_signature(signed, certificate, stamps.TST_INFO, signed.content or b"")
    cms.check_signing_certificate(signed, certificate, older=True)


def _contents() -> list[bytes]:
    """The TSTInfo (DER) in the reply."""
    return [asn1.read_signed_data(stamps.read_reply(_files("tsr")[0], DIGEST, NONCE)).content or b""]


SUBJECTS: Final[Mapping[str, Callable[[], FuzzSubject]]] = {
    "signature": lambda: FuzzSubject(_files("p7s"), WAYS, lambda raw: verifier.verify_integrity(CONTENT, raw), SAYS),
    "certificate": lambda: FuzzSubject(_files("cer"), WAYS, asn1.certificate_of, SAYS),
    "signing-time": lambda: FuzzSubject(_attribute(cms.SIGNING_TIME), WAYS, asn1.read_time, SAYS),
    "signing-certificate": lambda: FuzzSubject(
        _attribute(cms.SIGNING_CERTIFICATE_V2),
        WAYS,
        lambda raw: asn1.read_certificate_identifier(raw, by_sha1=False),
        SAYS,
    ),
    "stamp-reply": lambda: FuzzSubject(_files("tsr"), WAYS, lambda raw: stamps.read_reply(raw, DIGEST, NONCE), SAYS),
    "stamp-token": lambda: FuzzSubject([asn1.read_stamp_reply(_files("tsr")[0])], WAYS, _token, SAYS),
    "stamp-info": lambda: FuzzSubject(_contents(), WAYS, asn1.read_stamp_info, SAYS),
}
