"""Judge a printed form: its PAdES signatures, their order, and the signed records that it carries.

No network, no database, no traceback: a file that cannot be read any more is a finding too, since one changed byte
often breaks the reader before the signature. Loads pyHanko: imported by the command that verifies, by no worker.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any, Final

from asn1crypto import crl, parser
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESStatus, AdESSubIndic
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from hub.papers.findings import Code, Finding, Judged
from hub.signing import verifier
from hub.signing.findings import Weight
from hub.signing.trust import Trust
from hub.signing.verdicts import Invalid, Undecided

FIELDS: Final = ("nguoi-ky", "co-quan-ky")
"""the signature fields, the person's and the organisation's, in the order of signing (NĐ 30/2020/NĐ-CP Article 32)"""
_MAGIC: Final = b"%PDF-"
_LARGEST: Final = 64 * 1024 * 1024
"""bytes; a form is a thousandth of that"""
_ENDED: Final = "the certificate has ended, and no time stamp says that it was signed before"
_WHY: Final = {
    "TRY_LATER": "no revocation list speaks of its certificate at that time",
    "NO_CERTIFICATE_CHAIN_FOUND": "no path leads from its certificate to the roots that you trust",
    "OUT_OF_BOUNDS_NO_POE": _ENDED,
    "OUT_OF_BOUNDS_NOT_REVOKED": _ENDED,
}

# pyHanko logs whole tracebacks of what it tells us anyway.
logging.getLogger("pyhanko").addHandler(logging.NullHandler())
logging.getLogger("pyhanko").propagate = False


def verify_pdf(data: bytes, trust: Trust, at: datetime) -> Judged:
    """Judge ``data``, and its certificates as of ``at`` (now), unless a time stamp proves that it was signed before."""
    if not data.startswith(_MAGIC) or len(data) > _LARGEST:
        return Judged((Finding(Weight.MISSING, Code.NOT_A_PDF, "file"),), {})
    try:
        return asyncio.run(_judge(data, trust, at))
    except Exception as error:  # noqa: BLE001 - a broken file breaks the reader in any way that a parser knows
        return Judged((Finding(Weight.WRONG, Code.BROKEN, "file", type(error).__name__),), {})


async def _judge(data: bytes, trust: Trust, at: datetime) -> Judged:
    reader = PdfFileReader(BytesIO(data))
    trust = trust.knowing(*_kept(reader))
    signatures = list(reader.embedded_regular_signatures)
    findings = [_order([signature.field_name for signature in signatures])]
    proven: datetime | None = None
    for number, signature in enumerate(signatures, start=1):
        status = await _status(signature, trust, at)
        findings.append(_finding(signature.field_name, status, last=number == len(signatures)))
        if _room_used(signature):
            findings.append(Finding(Weight.WRONG, Code.HIDDEN, signature.field_name))
        if status.trusted and status.timestamp_validity is not None:
            proven = status.timestamp_validity.timestamp
    attachments = _attachments(reader)
    findings += _records(attachments, trust, at, proven)
    return Judged(tuple(findings), attachments)


def _order(fields: Sequence[str]) -> Finding:
    if not fields:
        return Finding(Weight.MISSING, Code.NOT_SIGNED, "file")
    if tuple(fields) == FIELDS:
        return Finding(Weight.GOOD, Code.ORDER, "file")
    if tuple(fields) == FIELDS[:1]:
        return Finding(Weight.MISSING, Code.NO_SEAL, "file")
    return Finding(Weight.WRONG, Code.ORDER, "file", f"signed by {', '.join(fields)}; it has to be {', '.join(FIELDS)}")


async def _status(signature: Any, trust: Trust, at: datetime) -> PdfSignatureStatus:
    """How pyHanko sees it at ``at``; and if that is not good enough, at the time that a time stamp on it proves."""
    status = await async_validate_pdf_signature(signature, context(trust, at), context(trust, at))
    stamp = status.timestamp_validity
    if stamp is None or (status.trusted and stamp.trusted):
        return status
    then = stamp.timestamp  # a stamp is judged as of its own time, as hub.signing.stamps does
    stamped = await async_validate_pdf_signature(signature, context(trust, then), context(trust, then))
    good = stamped.timestamp_validity
    return stamped if good is not None and good.intact and good.valid and good.trusted else status


def context(trust: Trust, at: datetime) -> ValidationContext:
    """As strict as hub.signing.trust: where no list says that a certificate was not revoked, nobody can tell."""
    return ValidationContext(
        trust_roots=[asn1.Certificate.load(one.public_bytes(Encoding.DER)) for one in trust.roots],
        other_certs=[asn1.Certificate.load(one.public_bytes(Encoding.DER)) for one in trust.intermediates],
        crls=[crl.CertificateList.load(one.public_bytes(Encoding.DER)) for one in trust.crls],
        moment=at,
        allow_fetching=False,
        revocation_mode="require",
        retroactive_revinfo=True,
    )


def _finding(field: str, status: PdfSignatureStatus, *, last: bool) -> Finding:
    name = str(status.signing_cert.subject.native.get("common_name", "?"))
    if not status.intact:
        return Finding(Weight.WRONG, Code.ALTERED, field, name)
    if not status.valid:
        return Finding(Weight.WRONG, Code.FORGED, field, name)
    if not status.docmdp_ok or (last and status.coverage is not SignatureCoverageLevel.ENTIRE_FILE):
        return Finding(Weight.WRONG, Code.ADDED_TO, field, name)
    if not status.trusted:
        return _untrusted(field, name, status.trust_problem_indic)
    stamp = status.timestamp_validity
    proven = f"; it was there at {stamp.timestamp:%Y-%m-%d %H:%M:%S} UTC (time stamp)" if stamp else ""
    return Finding(Weight.GOOD, Code.SIGNATURE, field, f"{name}{proven}")


def _untrusted(field: str, name: str, problem: AdESSubIndic | None) -> Finding:
    word = "unknown" if problem is None else str(problem.standard_name)
    if problem is not None and (problem.status is AdESStatus.FAILED or word.startswith("REVOKED")):
        return Finding(Weight.WRONG, Code.CERTIFICATE_REFUSED, field, f"{name}: {word}")
    return Finding(Weight.MISSING, Code.CERTIFICATE_UNDECIDED, field, f"{name}: {_WHY.get(word, word)}")


def _room_used(signature: Any) -> bool:
    """Whether anything but noughts follows the CMS in its /Contents."""
    contents = bytes(signature.pkcs7_content)
    return any(contents[parser.peek(contents) :])


def _records(
    attachments: Mapping[str, bytes], trust: Trust, at: datetime, proven: datetime | None
) -> Iterator[Finding]:
    """Each attached record with its signatures: the first over the record, the seal over the bytes of the first."""
    records = [name for name in attachments if name.endswith(".json")]
    if not records:
        yield Finding(Weight.MISSING, Code.NOTHING_ATTACHED, "file")
    for name in records:
        stem, content = name.removesuffix(".json"), attachments[name]
        signatures = [attachments[file] for file in (f"{stem}.p7s", f"{stem}.seal.p7s") if file in attachments]
        yield _record(name, content, signatures, trust, proven or at, proven=proven is not None)


def _record(
    name: str, content: bytes, signatures: Sequence[bytes], trust: Trust, at: datetime, *, proven: bool
) -> Finding:
    if not signatures:
        return Finding(Weight.WRONG, Code.RECORD, name, "nobody's signature is attached")
    signers = []
    try:
        for signature in signatures:
            signed = verifier.verify(content, signature, trust, at=at)
            signers.append(signed.certificate.subject.rfc4514_string())
            content = signature
    except Undecided as error:
        return Finding(Weight.MISSING, Code.RECORD, name, error.sentence)
    except Invalid as error:
        if error.code in ("expired", "revoked") and not proven:
            return Finding(
                Weight.MISSING, Code.RECORD, name, f"{error.sentence}, and nothing proves that it was before"
            )
        return Finding(Weight.WRONG, Code.RECORD, name, error.sentence)
    return Finding(Weight.GOOD, Code.RECORD, name, "; ".join(signers))


def _kept(reader: PdfFileReader) -> tuple[list[x509.Certificate], list[x509.CertificateRevocationList]]:
    """Issuers and revocation lists that were put beside the signatures when they were made (PAdES: the DSS)."""
    try:
        store = DocumentSecurityStore.read_dss(reader)
    except NoDSSFoundError:
        return [], []
    certificates = [x509.load_der_x509_certificate(one.dump()) for one in store.load_certs()]
    return certificates, [x509.load_der_x509_crl(one.get_object().data) for one in store.crls]


def _attachments(reader: PdfFileReader) -> dict[str, bytes]:
    """The embedded files by name."""
    found: dict[str, bytes] = {}
    names = reader.root.get("/Names")
    pending = [names["/EmbeddedFiles"]] if names is not None and "/EmbeddedFiles" in names else []
    while pending:
        node = pending.pop()
        kids, pairs = node.get("/Kids", ()), node.get("/Names", ())
        pending += [kids[index] for index in range(len(kids))]  # by index: iterating leaves references unresolved
        for index in range(1, len(pairs), 2):
            spec = pairs[index]
            found[str(spec["/UF"])] = spec["/EF"]["/F"].data
    return found
