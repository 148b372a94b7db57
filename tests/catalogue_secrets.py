"""The secrets that the catalogues name: made afresh in every process, so that none is ever worth stealing."""

import base64
import secrets
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa

from hub.embedded.secrets import Secrets, stored_secrets
from tests.self_signed import certified

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
        pair = certified(rsa.generate_private_key(public_exponent=65537, key_size=2048), signer)
        named |= dict(zip(names, (pair.key.decode(), pair.certificate.decode()), strict=True))
    return {f"HUB_SECRET_TEST_{name}": value for name, value in named.items()}


def environment() -> dict[str, str]:
    """Every secret of tests/catalogue, as environment variables; the same ones for the whole process."""
    return dict(_secrets())


_generated: Final[dict[str, str]] = {}


def generated(catalogue: Path) -> Secrets:
    """What an embedded stack generates for the catalogue in this folder; the same ones for the whole process.

    A name that stands in two catalogues is generated once: an RSA key takes 80 ms.
    """
    with TemporaryDirectory() as folder:
        named = stored_secrets(Path(folder) / "secrets.env", catalogue, _generated)
    _generated.update(named.hub | named.departments)
    return named
