"""Providers of payments as tests play them: the sandbox's banks, with a movement that nobody need describe."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from config.notifications import SignedJson
from connectors.sandbox import bank_notices
from connectors.sandbox.bank_notices import LOCAL, Sender, Sent, signed_json
from hub.clock import now
from tests.catalogue_secrets import environment

__all__ = ["ACCOUNT", "LOCAL", "MOMO_KEY", "SENDERS", "SIGNED_JSON", "NoticeDraft", "Sent", "rsa_pair"]

ACCOUNT: Final = "1020304050607"
MOMO_KEY: Final = environment()["HUB_SECRET_TEST_MOMO_ACCESS"]


@dataclass(frozen=True)
class NoticeDraft(bank_notices.MovementNotice):
    """A movement; say only what matters to the test."""

    txn: str = "14226112"
    amount: int = 150_000
    reference: str = "HC000000000182"
    at: datetime = datetime(2026, 11, 24, 8, 15, 2, tzinfo=LOCAL)
    account: str = ACCOUNT
    merchant: str = "DEMOTMN1"
    access_key: str = MOMO_KEY


SIGNED_JSON: Final[dict[str, Any]] = {
    "algorithm": "rsa-sha256",
    "content": "raw",
    "signature_header": "x-signature",
    "timestamp_header": "x-time",
    "time": "rfc3339",
    "names": {
        "transaction": "id",
        "amount": "amount",
        "kind": "event",
        "account": "account",
        "text": "content",
        "at": "time",
        "currency": "currency",
        "bank_ref": "ft",
        "original": "original",
    },
    "kinds": {"CREDIT": "payment", "FAILED": "failed", "REFUND": "refund", "REVERSAL": "reversal"},
}
"""What tests/catalogue/banks/bank-a.toml says."""

SENDERS: Final[Mapping[str, Sender]] = {
    **bank_notices.SENDERS,
    "signed-json": signed_json(SignedJson.model_validate(SIGNED_JSON)),
}


@cache
def rsa_pair(owner: str = "bank") -> tuple[str, str]:
    """The private key and the certificate of ``owner``, PEM; the same ones whenever they are asked for."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{owner} (test)")])
    notice = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), notice.public_bytes(serialization.Encoding.PEM).decode()
