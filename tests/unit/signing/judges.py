"""Independent judges of a signature, and other people's tools that make one: ``openssl`` and pyHanko."""

import asyncio
import io
import shutil
import subprocess
from pathlib import Path

import pytest
from asn1crypto import cms, keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from pyhanko.sign.signers.pdf_cms import SimpleSigner
from pyhanko.sign.validation.generic_cms import async_validate_detached_cms
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from tests.unit.signing.authority import DAY, KeyHolder, pem

__all__ = ["needs_openssl", "openssl", "openssl_accepts", "pyhanko_accepts", "pyhanko_signs"]

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command is not installed")


def openssl(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=False, timeout=60)


def openssl_accepts(
    content: bytes,
    signature: bytes,
    root: x509.Certificate,
    crls: list[x509.CertificateRevocationList],
    folder: Path,
) -> bool:
    """What docs/integrators tells a stranger to do."""
    (folder / "record.json").write_bytes(content)
    (folder / "record.p7s").write_bytes(signature)
    lists = b"".join(crl.public_bytes(serialization.Encoding.PEM) for crl in crls)
    (folder / "roots.pem").write_bytes(pem(root) + lists)
    judged = openssl(
        *("cms", "-verify", "-cades", "-binary", "-inform", "DER", "-purpose", "any", "-out", "/dev/null"),
        *("-in", folder / "record.p7s", "-content", folder / "record.json", "-CAfile", folder / "roots.pem"),
        *("-crl_check", "-attime", str(int(DAY.timestamp()))),
    )
    return judged.returncode == 0 and b"CAdES Verification successful" in judged.stderr


def pyhanko_accepts(content: bytes, signature: bytes, root: x509.Certificate) -> bool:
    signed = cms.ContentInfo.load(signature)["content"]
    context = ValidationContext(trust_roots=[_asn1(root)], moment=DAY, allow_fetching=False)
    status = asyncio.run(async_validate_detached_cms(content, signed, signer_validation_context=context))
    return bool(status.intact and status.valid and status.trusted)


def pyhanko_signs(content: bytes, holder: KeyHolder) -> bytes:
    """A CAdES-B signature as another vendor's product makes it."""
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]  # pyHanko
    store.register_multiple(_asn1(one) for one in holder.issuers)
    key = holder.private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    signer = SimpleSigner(_asn1(holder.certificate), keys.PrivateKeyInfo.load(key), store)
    signature = asyncio.run(
        signer.async_sign_general_data(io.BytesIO(content), "sha256", detached=True, use_cades=True)
    )
    return bytes(signature.dump())


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))
