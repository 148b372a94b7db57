"""Judge a printed form: its PAdES signatures, their order, and the signed records that it carries.

No network, no database. A file that cannot be parsed is a finding too, since one changed byte often breaks the parser
before the signature. Loads pyHanko: imported by the command that verifies, by no worker.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any, Final

from cryptography import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESStatus, AdESSubIndic
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from hub.signing import asn1, cms, der, parties, stamps, verifier
from hub.signing.asn1 import SignedData
from hub.signing.judge import RECORD_MODELS
from hub.signing.parties import ANY, Register, SigningParty
from hub.signing.trust import Trust
from hub.signing.verdicts import Invalid, Undecided, VerdictAnswer, Weight, answer_of
from schemas import strict
from schemas.explained import Explained
from schemas.handoff import HandoffRecord

FIELDS: Final = ("nguoi-ky", "co-quan-ky")
"""the signature fields, the person's and the organisation's, in the order of signing (NĐ 30/2020/NĐ-CP Article 32)"""
_TIME_STAMP: Final = "1.2.840.113549.1.9.16.2.14"
"""id-aa-timeStampToken (RFC 3161, Appendix A)"""
_MAGIC: Final = b"%PDF-"
_LARGEST: Final = 64 * 1024 * 1024
"""bytes; a form has about a thousandth of that"""
_ENDED: Final = "the certificate has ended, and no time stamp says that it was signed before"
_WHY: Final = {
    "TRY_LATER": "no revocation list speaks of its certificate at that time",
    "NO_CERTIFICATE_CHAIN_FOUND": "no path leads from its certificate to the roots that you trust",
    "OUT_OF_BOUNDS_NO_POE": _ENDED,
    "OUT_OF_BOUNDS_NOT_REVOKED": _ENDED,
}

# pyHanko logs tracebacks of errors that it also returns.
logging.getLogger("pyhanko").addHandler(logging.NullHandler())
logging.getLogger("pyhanko").propagate = False


class PaperCode(Explained):
    """What a finding in a printed form is about."""

    NOT_A_PDF = ("FORM_NOT_A_PDF", "The file is not a PDF that the hub would have made.")
    BROKEN = ("FORM_BROKEN", "The file cannot be read as the PDF that was signed: it was changed or cut.")
    NOT_SIGNED = ("FORM_NOT_SIGNED", "The form is printed without signatures.")
    NO_SEAL = ("FORM_NO_SEAL", "The person has signed; the organisation has not.")
    ORDER = ("FORM_ORDER", "The order of signing: the person first, then the organisation (Decree 30/2020 Article 32).")
    SIGNATURE = ("FORM_SIGNATURE", "A PAdES signature on the form.")
    ALTERED = ("FORM_ALTERED", "The bytes that were signed were changed.")
    FORGED = ("FORM_FORGED", "The signature was not made with the key of its certificate.")
    ADDED_TO = ("FORM_ADDED_TO", "The form was changed after this signature.")
    HIDDEN = ("FORM_HIDDEN", "Something is hidden in the room left for a signature, which no signature covers.")
    CERTIFICATE_REFUSED = (
        "FORM_CERTIFICATE_REFUSED",
        "The signer's certificate is not good: it was revoked, or was not valid yet.",
    )
    CERTIFICATE_UNDECIDED = ("FORM_CERTIFICATE_UNDECIDED", "Whether the signer's certificate was good cannot be told.")
    PARTY = ("FORM_PARTY", "Whose signature this has to be, by the reader's trust list.")
    TRUST_LIST = ("FORM_TRUST_LIST", "Roots alone do not say who signs for whom: a trust list is needed.")
    NOTHING_ATTACHED = ("FORM_NOTHING_ATTACHED", "The form carries no signed record.")
    RECORD = ("FORM_RECORD", "An attached record and the signatures on it.")


@dataclass(frozen=True, slots=True)
class PaperFinding:
    """The result of one check."""

    weight: Weight
    code: PaperCode
    where: str
    """signature field or attached file"""
    detail: str = ""
    """signer, time or reason"""


@dataclass(frozen=True, slots=True)
class JudgedPaper:
    """The findings of a printed form, and the files embedded in it."""

    findings: tuple[PaperFinding, ...]
    attachments: Mapping[str, bytes]

    @property
    def answer(self) -> VerdictAnswer:
        """INVALID, CANNOT TELL or VALID (hub.signing.verdicts.answer_of)."""
        return answer_of(finding.weight for finding in self.findings)


def verify_pdf(data: bytes, trust: Trust, at: datetime) -> JudgedPaper:
    """Judge a printed form; certificates as of ``at`` (now), or as of a time stamp in the form.

    1. Take over the certificates and revocation lists stored in the form (PAdES: DSS).
    2. Check the order of the signatures.
    3. Verify each signature, that nothing is hidden in its container, and its signer by the trust list.
    4. Verify the attached records as hub.signing.judge does.
    """
    if not data.startswith(_MAGIC) or len(data) > _LARGEST:
        return JudgedPaper((PaperFinding(Weight.MISSING, PaperCode.NOT_A_PDF, "file"),), {})
    try:
        return asyncio.run(_judge(data, trust, at))
    except Exception as error:  # noqa: BLE001 - a broken file can make the parser raise anything
        return JudgedPaper((PaperFinding(Weight.WRONG, PaperCode.BROKEN, "file", type(error).__name__),), {})


async def _judge(data: bytes, trust: Trust, at: datetime) -> JudgedPaper:
    reader = PdfFileReader(BytesIO(data))
    # 1.
    trust = trust.extended(*_embedded_evidence(reader))
    # 2.
    signatures = list(reader.embedded_regular_signatures)
    findings = [_order([signature.field_name for signature in signatures])]
    if trust.register is None:
        findings.append(PaperFinding(Weight.MISSING, PaperCode.TRUST_LIST, "file"))
    # 3.
    proven: datetime | None = None
    for number, signature in enumerate(signatures, start=1):
        status = await _status(signature, trust, at)
        findings.append(_finding(signature.field_name, status, last=number == len(signatures)))
        known = {x509.load_der_x509_certificate(status.signing_cert.dump()), *trust.roots, *trust.intermediates}
        if not _is_in_one_form(data, signature, known):
            findings.append(PaperFinding(Weight.WRONG, PaperCode.HIDDEN, signature.field_name))
        if status.trusted and status.timestamp_validity is not None:
            proven = status.timestamp_validity.timestamp
        findings += _party(signature.field_name, status, trust, proven or at)
    # 4.
    attachments = _attachments(reader)
    findings += _records(attachments, trust, at, proven)
    return JudgedPaper(tuple(findings), attachments)


def _order(fields: Sequence[str]) -> PaperFinding:
    if not fields:
        return PaperFinding(Weight.MISSING, PaperCode.NOT_SIGNED, "file")
    if tuple(fields) == FIELDS:
        return PaperFinding(Weight.GOOD, PaperCode.ORDER, "file")
    if tuple(fields) == FIELDS[:1]:
        return PaperFinding(Weight.MISSING, PaperCode.NO_SEAL, "file")
    return PaperFinding(
        Weight.WRONG, PaperCode.ORDER, "file", f"signed by {', '.join(fields)}; it has to be {', '.join(FIELDS)}"
    )


async def _status(signature: Any, trust: Trust, at: datetime) -> PdfSignatureStatus:
    """Validate with pyHanko as of ``at``; if that fails, as of the signature's time stamp, if it has a valid one."""
    status = await async_validate_pdf_signature(signature, context(trust, at), context(trust, at))
    stamp = status.timestamp_validity
    if stamp is None or (status.trusted and stamp.trusted):
        return status
    then = stamp.timestamp  # a stamp is judged as of its own time, as in hub.signing.stamps
    stamped = await async_validate_pdf_signature(signature, context(trust, then), context(trust, then))
    validity = stamped.timestamp_validity
    is_valid = validity is not None and validity.intact and validity.valid and validity.trusted
    return stamped if is_valid else status


def context(trust: Trust, at: datetime) -> ValidationContext:
    """pyHanko's validation context for ``trust``, as strict as hub.signing.trust: revocation lists are required."""
    return ValidationContext(
        trust_roots=list(map(asn1.pyhanko_certificate, trust.roots)),
        other_certs=list(map(asn1.pyhanko_certificate, trust.intermediates)),
        crls=list(map(asn1.pyhanko_crl, trust.crls)),
        moment=at,
        allow_fetching=False,
        revocation_mode="require",
        retroactive_revinfo=True,
    )


def _finding(field: str, status: PdfSignatureStatus, *, last: bool) -> PaperFinding:
    name = str(status.signing_cert.subject.native.get("common_name", "?"))
    if not status.intact:
        return PaperFinding(Weight.WRONG, PaperCode.ALTERED, field, name)
    if not status.valid:
        return PaperFinding(Weight.WRONG, PaperCode.FORGED, field, name)
    if not status.docmdp_ok or (last and status.coverage is not SignatureCoverageLevel.ENTIRE_FILE):
        return PaperFinding(Weight.WRONG, PaperCode.ADDED_TO, field, name)
    if not status.trusted:
        return _untrusted(field, name, status.trust_problem_indic)
    stamp = status.timestamp_validity
    proven = f"; it was there at {stamp.timestamp:%Y-%m-%d %H:%M:%S} UTC (time stamp)" if stamp else ""
    return PaperFinding(Weight.GOOD, PaperCode.SIGNATURE, field, f"{name}{proven}")


def _untrusted(field: str, name: str, problem: AdESSubIndic | None) -> PaperFinding:
    word = "unknown" if problem is None else str(problem.standard_name)
    if problem is not None and (problem.status is AdESStatus.FAILED or word.startswith("REVOKED")):
        return PaperFinding(Weight.WRONG, PaperCode.CERTIFICATE_REFUSED, field, f"{name}: {word}")
    return PaperFinding(Weight.MISSING, PaperCode.CERTIFICATE_UNDECIDED, field, f"{name}: {_WHY.get(word, word)}")


def _is_in_one_form(data: bytes, signature: Any, known: set[x509.Certificate]) -> bool:
    """Whether /Contents, which the signature cannot cover, is byte for byte what the hub writes.

    PDF readers accept hex digits of either case with white space between them, and the CMS container is unsigned, so
    both could hide data. A time stamp has to be normalised (hub.signing.stamps), and every certificate one of
    ``known``: the signer's, the reader's, or one stored in the part of the file that the signature covers.
    """
    contents = bytes(signature.pkcs7_content)
    cut, past = signature.byte_range[1], signature.byte_range[2]
    try:
        length = asn1.length_of(contents)
        file, padding = contents[:length], contents[length:]
        signed = asn1.read_signed_data(file)
        stamp = _stamp_in(signed)
        if (stamp is not None and stamps.normalised(stamp) != stamp) or not known >= set(signed.certificates):
            return False
    except Invalid:
        return False
    return (
        data[cut:past] == b"<" + contents.hex().upper().encode() + b">"
        and not any(padding)
        and _written(signed, stamp) == file
    )


def _stamp_in(signed: SignedData) -> bytes | None:
    """The time stamp among the unsigned attributes, if any. Raises Invalid for any other unsigned attribute."""
    unsigned = asn1.read_unsigned_attributes(signed)
    tokens = [value for kind, value in unsigned if kind == _TIME_STAMP]
    if len(unsigned) > 1 or len(tokens) != len(unsigned):
        raise Invalid("unsigned-parts", "the signature holds parts that it does not protect")
    return tokens[0] if tokens else None


def _written(signed: SignedData, stamp: bytes | None) -> bytes:
    """Encode the CMS file (DER) as the hub writes it."""
    unsigned = [] if stamp is None else [der.set_of([der.sequence(der.oid(_TIME_STAMP), der.set_of([stamp]))], 0xA1)]
    attributes = b"\xa0" + signed.signed_attributes[1:]
    octets = der.tlv(der.OCTETS, signed.signature)
    parts = (signed.sid, signed.digest_algorithm, attributes, signed.signature_algorithm, octets, *unsigned)
    signer = der.sequence(der.integer(1), *parts)
    return cms.detached(signed.digest_algorithm, list(map(cms.encoded, signed.certificates)), signer)


def _party(field: str, status: PdfSignatureStatus, trust: Trust, at: datetime) -> Iterator[PaperFinding]:
    """Check the signer by the trust list: an officer of the Centre, or its seal, by the signature field."""
    if trust.register is None or field not in FIELDS:
        return
    centre = trust.register.centre
    party = SigningParty("seal", centre) if field == FIELDS[1] else SigningParty("officer", centre, ANY)
    yield _bound(field, [party], (x509.load_der_x509_certificate(status.signing_cert.dump()),), trust.register, at)


def _bound(
    where: str, signer: Sequence[SigningParty], chain: Sequence[x509.Certificate], register: Register, at: datetime
) -> PaperFinding:
    try:
        for party in signer:
            register.check(party, chain, at)
    except (Invalid, Undecided) as failure:
        weight = Weight.WRONG if isinstance(failure, Invalid) else Weight.MISSING
        return PaperFinding(weight, PaperCode.PARTY, where, failure.sentence)
    return PaperFinding(Weight.GOOD, PaperCode.PARTY, where, str(signer[0]))


def _records(
    attachments: Mapping[str, bytes], trust: Trust, at: datetime, proven: datetime | None
) -> Iterator[PaperFinding]:
    """Verify each attached record: the first signature over the record, the seal over the first signature."""
    records = [name for name in attachments if name.endswith(".json")]
    if not records:
        yield PaperFinding(Weight.MISSING, PaperCode.NOTHING_ATTACHED, "file")
    for name in records:
        stem, content = name.removesuffix(".json"), attachments[name]
        signatures = [attachments[file] for file in (f"{stem}.p7s", f"{stem}.seal.p7s") if file in attachments]
        answered = attachments.get(f"{stem.removesuffix('.receipt')}.json") if stem.endswith(".receipt") else None
        yield _record(name, (content, answered), signatures, trust, proven or at, proven=proven is not None)


def _record(
    name: str,
    records: tuple[bytes, bytes | None],
    signatures: Sequence[bytes],
    trust: Trust,
    at: datetime,
    *,
    proven: bool,
) -> PaperFinding:
    """Verify one record. ``records``: its bytes, and those of the handoff that it answers if it is a receipt."""
    if not signatures:
        return PaperFinding(Weight.WRONG, PaperCode.RECORD, name, "nobody's signature is attached")
    signers, content = [], records[0]
    try:
        required = None if trust.register is None else _required_signers(records, trust.register)
        if required is not None and len(required) != len(signatures):
            return PaperFinding(
                Weight.WRONG, PaperCode.RECORD, name, f"{len(signatures)} signatures, {len(required)} are needed"
            )
        for number, signature in enumerate(signatures):
            signed = verifier.verify(content, signature, trust, at=at)
            for party in required[number] if required else ():
                trust.register.check(party, signed.chain, at)  # type: ignore[union-attr] # required follows from it
            signers.append(signed.certificate.subject.rfc4514_string())
            content = signature
    except Undecided as error:
        return PaperFinding(Weight.MISSING, PaperCode.RECORD, name, error.sentence)
    except Invalid as error:
        if error.code in ("expired", "revoked") and not proven:
            return PaperFinding(
                Weight.MISSING, PaperCode.RECORD, name, f"{error.sentence}, and nothing proves that it was before"
            )
        return PaperFinding(Weight.WRONG, PaperCode.RECORD, name, error.sentence)
    return PaperFinding(Weight.GOOD, PaperCode.RECORD, name, "; ".join(signers))


def _required_signers(records: tuple[bytes, bytes | None], register: Register) -> list[list[SigningParty]]:
    """Parties that have to sign. Raises Invalid for a record of an unknown kind."""
    content, answered = (None if one is None else _read(one) for one in records)
    if content is None:
        raise Invalid("not-a-record", "it is no record of a kind that the hub knows")
    return parties.required_signers(content, register.centre, answered if isinstance(answered, HandoffRecord) else None)


def _read(record: bytes) -> parties.SignedRecord | None:
    for model in RECORD_MODELS.values():
        with suppress(strict.Refused):
            return strict.read(model, record)
    return None


def _embedded_evidence(reader: PdfFileReader) -> tuple[list[x509.Certificate], list[x509.CertificateRevocationList]]:
    """Certificates and revocation lists stored in the form (PAdES: the document security store, DSS)."""
    try:
        store = DocumentSecurityStore.read_dss(reader)
    except NoDSSFoundError:
        return [], []
    certificates = [x509.load_der_x509_certificate(one.dump()) for one in store.load_certs()]
    return certificates, [x509.load_der_x509_crl(one.get_object().data) for one in store.crls]


def _attachments(reader: PdfFileReader) -> dict[str, bytes]:
    """The embedded files by name."""
    files: dict[str, bytes] = {}
    names = reader.root.get("/Names")
    pending = [names["/EmbeddedFiles"]] if names is not None and "/EmbeddedFiles" in names else []
    while pending:
        node = pending.pop()
        kids, pairs = node.get("/Kids", ()), node.get("/Names", ())
        pending += [kids[index] for index in range(len(kids))]  # by index: iterating leaves references unresolved
        for index in range(1, len(pairs), 2):
            spec = pairs[index]
            files[str(spec["/UF"])] = spec["/EF"]["/F"].data
    return files
