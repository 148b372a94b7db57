"""The secrets that the test catalogue names: made afresh in every process, so that none is ever worth stealing."""

import base64
import secrets
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from hub.clock import now

CATALOGUE: Final = Path(__file__).parent / "catalogue"

SHARED: Final = (
    "PORTAL_A",
    "PORTAL_B",
    "REST_A_TOKEN",
    "REST_A_PUSH",
    "REST_B_TOKEN",
    "REST_B_PUSH",
    "SOAP_B_PASSWORD",
    "POST_A_KEY",
    "POST_A_SECRET",
    "POST_B_TOKEN",
    "BANK_A_TOKEN",
    "VNPAY",
    "NATIONAL",
    "KEYPAY",
    "PAYOS",
    "CASSO",
    "SEPAY_OLD",
    "SEPAY_A",
    "SEPAY_B",
    "MOMO",
    "MOMO_ACCESS",
    "ISSUER_ACCOUNT",
    "ISSUER_SERVICE",
)
WEBHOOKS: Final = ("CONG_DVC_WEBHOOK", "SECOND_WEBHOOK", "SECOND_WEBHOOK_OLD")
SIGNERS: Final = {
    "hub": ("SOAP_SIGN_KEY", "SOAP_SIGN_CERTIFICATE"),
    "soap-a": ("SOAP_A_KEY", "SOAP_A_CERTIFICATE"),
    "soap-b": ("SOAP_B_KEY", "SOAP_B_CERTIFICATE"),
    "bank-a": ("BANK_A_KEY", "BANK_A_CERTIFICATE"),
}
"""Who signs, and the names of key and certificate; a partner's key is for the sandbox that plays it."""


@cache
def _secrets() -> dict[str, str]:
    named = {name: secrets.token_urlsafe(32) for name in SHARED}
    named |= {name: "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode() for name in WEBHOOKS}
    for signer, names in SIGNERS.items():
        named |= dict(zip(names, _self_signed(signer), strict=True))
    return {f"HUB_SECRET_TEST_{name}": value for name, value in named.items()}


def environment() -> dict[str, str]:
    """Every secret of tests/catalogue, as environment variables; the same ones for the whole process."""
    return dict(_secrets())


def _self_signed(common_name: str) -> tuple[str, str]:
    """An RSA-2048 key and a certificate that it signs itself, good for two days, both PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{common_name} (test)")])
    moment = now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - timedelta(hours=1))
        .not_valid_after(moment + timedelta(days=2))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()
