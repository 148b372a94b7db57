"""Path validation beside pyhanko-certvalidator's, on chains put together from every property that one may have.

Both decide every chain, and alike, but for the properties in STRICTER; nothing that certvalidator refuses is accepted.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, PathValidationError, ValidationError

from hub.signing import asn1
from hub.signing.trust import Trust
from hub.signing.verdicts import Invalid, Undecided
from tests.unit.signing.authority import CA, DAY, SIGNER, Extensions, KeyHolder, SigningAuthority, key_usage

ROOT: Final = SigningAuthority()
FAR: Final = datetime(2029, 1, 1, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)


def _ca(
    *, ca: bool = True, length: int | None = None, usage: tuple[str, ...] = ("key_cert_sign", "crl_sign")
) -> Extensions:
    return ((x509.BasicConstraints(ca=ca, path_length=length), True), key_usage(*usage))


ISSUERS: Final[dict[str, Callable[[], SigningAuthority]]] = {
    "root": lambda: ROOT,
    "issuing": lambda: SigningAuthority("Issuing CA", ROOT),
    "two issuing": lambda: SigningAuthority("Third CA", SigningAuthority("Second CA", ROOT)),
    "no path below": lambda: SigningAuthority(
        "Third CA", SigningAuthority("Second CA", ROOT, extensions=_ca(length=0))
    ),
    "room for one": lambda: SigningAuthority("Third CA", SigningAuthority("Second CA", ROOT, extensions=_ca(length=1))),
    "no authority": lambda: SigningAuthority("Not a CA", ROOT, extensions=SIGNER),
    "ca false": lambda: SigningAuthority("Not a CA", ROOT, extensions=_ca(ca=False)),
    "no basic constraints": lambda: SigningAuthority("Not a CA", ROOT, extensions=CA[1:]),
    "not for certificates": lambda: SigningAuthority("CRL CA", ROOT, extensions=_ca(usage=("crl_sign",))),
    "expired": lambda: SigningAuthority("Old CA", ROOT, ends=DAY - HOUR),
    "not yet": lambda: SigningAuthority("New CA", ROOT, begins=DAY + HOUR),
    "stranger": lambda: SigningAuthority("Other root"),
    "revoked": lambda: SigningAuthority("Lost CA", ROOT),
}
SIGNERS: Final[dict[str, Callable[[SigningAuthority], KeyHolder]]] = {
    "good": lambda issuer: issuer.issue(),
    "expired": lambda issuer: issuer.issue(ends=DAY - HOUR),
    "not yet": lambda issuer: issuer.issue(begins=DAY + HOUR),
    "unknown critical": lambda issuer: issuer.issue(
        extensions=(*SIGNER, (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True))
    ),
    "no key usage": lambda issuer: issuer.issue(extensions=SIGNER[:1]),
    "content commitment": lambda issuer: issuer.issue(extensions=(SIGNER[0], key_usage("content_commitment"))),
    "for encryption": lambda issuer: issuer.issue(extensions=(SIGNER[0], key_usage("key_encipherment"))),
    "RSA-1024": lambda issuer: issuer.issue(key=rsa.generate_private_key(65537, 1024)),  # noqa: S505 - to be refused
    "signed over SHA-384": lambda issuer: issuer.issue(hash_=hashes.SHA384()),
    "unknown": lambda issuer: issuer.issue(
        extensions=(*SIGNER, (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), False))
    ),
}
LISTS: Final = ("fresh", "old", "none", "revoked", "revoked later", "key lost before", "partial", "forged")


@dataclass(frozen=True)
class Chain:
    signer: KeyHolder
    intermediates: tuple[x509.Certificate, ...]
    crls: tuple[x509.CertificateRevocationList, ...] = field(default=())


@cache
def _issuer(name: str) -> SigningAuthority:
    return ISSUERS[name]()


def _chain(issuer_name: str, signer_name: str, list_name: str) -> Chain:
    issuer = _issuer(issuer_name)
    signer = SIGNERS[signer_name](issuer)
    lists: dict[str, Callable[[], list[x509.CertificateRevocationList]]] = {
        "fresh": lambda: [issuer.crl()],
        "old": lambda: [issuer.crl(DAY - timedelta(days=30))],
        "none": list,
        "revoked": lambda: [issuer.crl(revoked={signer.certificate: DAY - HOUR})],
        "revoked later": lambda: [issuer.crl(DAY + HOUR, revoked={signer.certificate: DAY + HOUR})],
        "key lost before": lambda: [
            issuer.crl(DAY + HOUR, revoked={signer.certificate: DAY + HOUR}, key_lost=DAY - HOUR)
        ],
        "partial": lambda: [issuer.crl(partial=True)],
        "forged": lambda: [issuer.crl(key=SigningAuthority().key)],
    }
    above = [
        one.crl(revoked={issuer.certificate: DAY - HOUR} if issuer_name == "revoked" else None)
        for one in _above(issuer)
    ]
    return Chain(signer, issuer.issuers, (*lists[list_name](), *above))


def _above(issuer: SigningAuthority) -> Iterator[SigningAuthority]:
    while issuer.parent is not None:
        issuer = issuer.parent
        yield issuer


def ours(chain: Chain) -> bool:
    try:
        Trust([ROOT.certificate], chain.intermediates, chain.crls).path(chain.signer.certificate, DAY)
    except (Invalid, Undecided):
        return False
    return True


def theirs(chain: Chain) -> bool:
    context = ValidationContext(
        trust_roots=[asn1.pyhanko_certificate(ROOT.certificate)],
        other_certs=[asn1.pyhanko_certificate(one) for one in chain.intermediates],
        crls=[asn1.pyhanko_crl(one) for one in chain.crls],
        moment=DAY,
        allow_fetching=False,
        revocation_mode="require",
        retroactive_revinfo=True,
    )
    return any(_is_valid_for(usage, chain, context) for usage in ("digital_signature", "non_repudiation"))


def _is_valid_for(usage: str, chain: Chain, context: ValidationContext) -> bool:
    validator = CertificateValidator(asn1.pyhanko_certificate(chain.signer.certificate), validation_context=context)
    try:
        asyncio.run(validator.async_validate_usage({usage}))  # type: ignore[no-untyped-call]
    except (PathBuildingError, PathValidationError, ValidationError):
        return False
    return True


STRICTER: Final = {
    "RSA-1024": "certvalidator leaves the size of a key to a policy of its caller; 2,048 bits is our smallest",
    "key lost before": "the CA dates the loss of the key back (invalidityDate), which certvalidator does not read",
    "partial": "a list of one scope (IssuingDistributionPoint) may leave the certificate out; only complete ones count",
}
"""property of a chain → why it may be refused here and accepted there"""


@pytest.mark.parametrize("issuer", ISSUERS)
def test_both_decide_alike_or_the_hub_is_stricter(issuer: str) -> None:
    for signer, crl in product(SIGNERS, LISTS):
        chain = _chain(issuer, signer, crl)
        is_valid_here, is_valid_there = ours(chain), theirs(chain)
        if STRICTER.keys() & {signer, crl}:
            assert is_valid_there or not is_valid_here, (signer, crl)
        else:
            assert is_valid_here == is_valid_there, (signer, crl)


@pytest.mark.parametrize("name", STRICTER)
def test_the_difference_is_there(name: str) -> None:
    """So that an explanation goes when certvalidator changes."""
    chain = _chain("issuing", name if name in SIGNERS else "good", name if name in LISTS else "fresh")
    assert (ours(chain), theirs(chain)) == (False, True)


def test_good_chains_are_good_in_both() -> None:
    for issuer, crl in product(("root", "issuing", "two issuing", "room for one"), ("fresh", "revoked later")):
        chain = _chain(issuer, "good", crl)
        assert (ours(chain), theirs(chain)) == (True, True)
