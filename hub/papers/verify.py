"""Judge a printed form: its PAdES signatures, their order, and what is attached. No network, no database, no traceback.

A file that cannot be read any more is a finding as well: one changed byte often breaks the reader before the signature.
Loads pyHanko: imported by the command that verifies, never by a worker.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from io import BytesIO
from typing import Any, Final

from asn1crypto import crl, parser
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESFailure, AdESStatus, AdESSubIndic
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from hub.signing.trust import Trust

PERSON: Final = "nguoi-ky"
SEAL: Final = "co-quan-ky"
FIELDS: Final = (PERSON, SEAL)
"""the names of the signature fields, in the order of signing (NĐ 30/2020/NĐ-CP Article 32)"""
_MAGIC: Final = b"%PDF-"
_LARGEST: Final = 64 * 1024 * 1024
"""bytes; a form is a thousandth of that"""

# pyHanko logs whole tracebacks of what it tells us anyway.
logging.getLogger("pyhanko").addHandler(logging.NullHandler())
logging.getLogger("pyhanko").propagate = False


class Outcome(StrEnum):
    """How the look at a form ended."""

    VALID = "valid"
    INVALID = "invalid"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    outcome: Outcome
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Judged:
    """The findings, and the files that the form carries: for the judge of bundles."""

    findings: tuple[Finding, ...]
    attachments: Mapping[str, bytes]

    @property
    def outcome(self) -> Outcome:
        """The worst of the findings."""
        found = {finding.outcome for finding in self.findings}
        return next((one for one in (Outcome.INVALID, Outcome.CANNOT_TELL) if one in found), Outcome.VALID)


def verify_pdf(data: bytes, trust: Trust, at: datetime) -> Judged:
    """Judge ``data``, and its certificates as of ``at``, unless a time stamp proves that it was signed before."""
    if not data.startswith(_MAGIC) or len(data) > _LARGEST:
        return Judged(
            (Finding(Outcome.CANNOT_TELL, "not_a_pdf", "The file is not a PDF that we would have made."),), {}
        )
    try:
        return asyncio.run(_judge(data, trust, at))
    except Exception as error:  # noqa: BLE001 - a broken file breaks the reader in any way that a parser knows
        sentence = (
            f"The file cannot be read as the PDF that was signed ({type(error).__name__}): it was changed or cut."
        )
        return Judged((Finding(Outcome.INVALID, "pdf_broken", sentence),), {})


async def _judge(data: bytes, trust: Trust, at: datetime) -> Judged:
    reader = PdfFileReader(BytesIO(data))
    trust = trust.knowing(*_kept(reader))
    signatures = list(reader.embedded_regular_signatures)
    findings = [_order([signature.field_name for signature in signatures])]
    for number, signature in enumerate(signatures):
        status = await _status(signature, trust, at)
        findings.append(_finding(signature.field_name, status, last=number == len(signatures) - 1))
        if _room_used(signature):
            sentence = "Something is hidden in the room left for a signature, which no signature covers."
            findings.append(Finding(Outcome.INVALID, "hidden", sentence))
    attachments = _attachments(reader)
    if not attachments:
        findings.append(Finding(Outcome.CANNOT_TELL, "nothing_attached", "The form carries no signed record."))
    return Judged(tuple(findings), attachments)


def _order(fields: Sequence[str]) -> Finding:
    if not fields:
        return Finding(Outcome.CANNOT_TELL, "not_signed", "The form is printed without signatures.")
    if tuple(fields) == FIELDS:
        return Finding(
            Outcome.VALID, "order", "The person signed first, the organisation after (NĐ 30/2020 Article 32)."
        )
    if tuple(fields) == FIELDS[:1]:
        return Finding(Outcome.CANNOT_TELL, "no_seal", "The person has signed; the organisation has not.")
    return Finding(
        Outcome.INVALID, "wrong_order", f"Signed by {', '.join(fields)}; it has to be {PERSON} first, then {SEAL}."
    )


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


def _room_used(signature: Any) -> bool:
    """Whether anything but noughts follows the CMS in its /Contents."""
    contents = bytes(signature.pkcs7_content)
    return any(contents[parser.peek(contents) :])


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
    who = {PERSON: "The person's signature", SEAL: "The organisation's seal"}.get(field, f"The signature {field}")
    name = status.signing_cert.subject.human_friendly
    if not status.intact:
        return Finding(Outcome.INVALID, "altered", f"{who} ({name}): the signed bytes were changed.")
    if not status.valid:
        return Finding(Outcome.INVALID, "forged", f"{who} ({name}): it was not made with the key of its certificate.")
    if not status.docmdp_ok or (last and status.coverage is not SignatureCoverageLevel.ENTIRE_FILE):
        return Finding(Outcome.INVALID, "added_to", f"{who} ({name}): the form was changed after it.")
    if status.trusted:
        stamp = status.timestamp_validity
        proven = f" It was there at {stamp.timestamp:%Y-%m-%d %H:%M:%S} UTC (time stamp)." if stamp else ""
        return Finding(Outcome.VALID, "signature", f"{who} is good: {name}.{proven}")
    return _untrusted(f"{who} ({name})", status.trust_problem_indic)


def _untrusted(who: str, problem: AdESSubIndic | None) -> Finding:
    word = "UNKNOWN" if problem is None else str(problem.standard_name)
    if problem is not None and (problem.status is AdESStatus.FAILED or word.startswith("REVOKED")):
        why = "its certificate was revoked" if problem is AdESFailure.REVOKED or "REVOKED" in word else word
        return Finding(Outcome.INVALID, "certificate_refused", f"{who}: {why}.")
    sentences = {
        "TRY_LATER": "no revocation list speaks of its certificate at that time",
        "NO_CERTIFICATE_CHAIN_FOUND": "no path leads from its certificate to the roots that you trust",
        "OUT_OF_BOUNDS_NO_POE": "its certificate has ended, and no time stamp says that it was signed before",
        "OUT_OF_BOUNDS_NOT_REVOKED": "its certificate has ended, and no time stamp says that it was signed before",
    }
    return Finding(Outcome.CANNOT_TELL, "certificate_undecided", f"{who}: {sentences.get(word, word)}.")


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
