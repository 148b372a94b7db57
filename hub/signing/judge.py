"""Judge an export bundle: VALID, INVALID or CANNOT TELL, from the bundle and the reader's trust list.

No database, no network, no settings. Everything is judged as of the time stamp on the log's checkpoint: a signature
made before its certificate was revoked or expired stays valid. Which party must have signed a record is decided in
hub.signing.parties, by the record's kind and the trust list, never by a name in the bundle.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from hub.clock import local, now
from hub.locale import vi
from hub.signing import asn1, canonical, cms, der, merkle, parties, stamps, verdicts, verifier
from hub.signing.bundle import SIGNATURES, Bundle, BundledRecord
from hub.signing.cms import ExpiredContent
from hub.signing.parties import ANY, SigningParty
from hub.signing.trust import Trust, is_issued_by, is_usable_crl
from hub.signing.verdicts import Invalid, Undecided, Verdict, VerdictCode, Weight
from hub.signing.verifier import SKEW, VerifiedSignature
from schemas.custody import LogCheckpoint
from schemas.handoff import HandoffRecord, MinuteRecord, ReceiptRecord
from schemas.identifiers import agency_scheme
from schemas.settlement import SettlementTable

Record = parties.SignedRecord

RECORD_MODELS: Final[Mapping[str, type[Record]]] = {
    "handoff": HandoffRecord,
    "receipt": ReceiptRecord,
    "minute": MinuteRecord,
    "settlement": SettlementTable,
}
"""kind of a bundled record → its model"""
_UNREADABLE: Final = (
    ValueError,
    TypeError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    UnsupportedAlgorithm,
)
"""what the library raises for a broken certificate or revocation list"""


def judge(bundle: Bundle, trust: Trust) -> Verdict:
    """Judge ``bundle`` by the reader's ``trust``.

    1. Compare the files with SHA256SUMS, and README.txt and verify.sh with those of this version of the hub.
    2. Take over the bundle's certificates and revocation lists, as far as trusted issuers signed them.
    3. Judge each record: its time stamp, checkpoint, inclusion proof, content, signatures and signing parties.
    4. Check that receipt and minute answer the handoff of this bundle.
    5. Compare the checkpoints of the same log.
    """
    verdict = Verdict()
    # 1.
    for name in bundle.changed:
        verdict.add(Weight.WRONG, VerdictCode.FILE_CHANGED, name)
    for name in bundle.foreign:
        verdict.add(Weight.NOTE, VerdictCode.SCRIPT_UNKNOWN, name)
    # 2.
    extended = trust_with_bundle(bundle, trust, verdict)
    # 3.
    judged: list[JudgedRecord] = []
    for number, bundled in enumerate(bundle.records, start=1):
        first = judged[0].record if judged else None
        handoff = first if isinstance(first, HandoffRecord) else None
        judged.append(RecordJudge(f"{number:02}-{bundled.kind}", bundled, extended, verdict, handoff).judge())
    # 4.
    _check_answers(judged, verdict)
    # 5.
    _check_forks(judged, verdict)
    return verdict


def _check_answers(judged: Sequence["JudgedRecord"], verdict: Verdict) -> None:
    """Receipt and minute must name the handoff record of this bundle by its hash, and agree with it."""
    handoff, answers = judged[0], judged[1:]
    if not answers:
        verdict.add(Weight.NOTE, VerdictCode.NO_ANSWER, handoff.where)
    for answer in answers:
        if answer.kind in ("handoff", "settlement"):
            verdict.add(Weight.WRONG, VerdictCode.UNEXPECTED_PART, answer.where)
        if answer.record is None or isinstance(answer.record, HandoffRecord | SettlementTable):
            continue
        if answer.record.record != handoff.record_hash.hex():
            verdict.add(Weight.WRONG, VerdictCode.ANSWER_OF_ANOTHER, answer.where)
        elif isinstance(handoff.record, HandoffRecord):
            _check_answer(answer.where, handoff.record, answer.record, verdict)


def _check_answer(where: str, handoff: HandoffRecord, answer: ReceiptRecord | MinuteRecord, verdict: Verdict) -> None:
    if (answer.handoff, answer.dossier, answer.leg) != (handoff.id, handoff.dossier, handoff.leg):
        verdict.add(Weight.WRONG, VerdictCode.ANSWER_OF_ANOTHER, where)
    if isinstance(answer, ReceiptRecord):
        if _are_different_agencies(answer.receiver.agency, handoff.receiver.agency):
            verdict.add(Weight.WRONG, VerdictCode.ANSWER_OF_ANOTHER, where, answer.receiver.agency)
        if answer.received_at < handoff.given_at - SKEW:
            detail = f"{local_time(answer.received_at)} < {local_time(handoff.given_at)}"
            verdict.add(Weight.WRONG, VerdictCode.TIMES, where, detail)


def _are_different_agencies(code: str, other: str) -> bool:
    # One agency has a code in each of two registers; codes of different registers cannot be compared.
    return code != other and agency_scheme(code) is agency_scheme(other)


def _check_forks(judged: Sequence["JudgedRecord"], verdict: Verdict) -> None:
    roots: dict[tuple[str, int], str] = {}
    for one in judged:
        if one.checkpoint is not None:
            log, size, root = one.checkpoint.log, one.checkpoint.size, one.checkpoint.root
            if roots.setdefault((log, size), root) != root:
                verdict.add(Weight.WRONG, VerdictCode.FORKED, one.where, f"{log}, {size}")


# The bundle's certificates and revocation lists.


def trust_with_bundle(bundle: Bundle, trust: Trust, verdict: Verdict) -> Trust:
    """Extend ``trust`` with the certificates and revocation lists of ``bundle`` that a trusted issuer has signed.

    1. Report whether the reader has a trust list.
    2. Accept certificates whose issuer is accepted, until no more are found.
    3. Accept revocation lists of accepted issuers.

    What is not accepted is a finding: WRONG if its issuer is known and has not signed it, MISSING if the issuer is not
    known.
    """
    # 1.
    register = trust.register
    if register is None:
        verdict.add(Weight.MISSING, VerdictCode.TRUST_LIST, "--trust", vi("no list, only root certificates"))
    else:
        detail = vi(
            "version {version}, SHA-256 {sha256}…", version=register.listed.version, sha256=register.sha256[:16]
        )
        verdict.add(Weight.GOOD, VerdictCode.TRUST_LIST, "--trust", detail)
    # 2.
    certificates = {f"certificates/{n:02}.pem": _certificate(pem) for n, pem in enumerate(bundle.certificates, start=1)}
    accepted = [*trust.roots, *trust.intermediates]
    while issued := [
        one for one in certificates.values() if one and one not in accepted and _has_issuer(one, accepted)
    ]:
        accepted += issued
    for name, certificate in certificates.items():
        if certificate is None or certificate not in accepted:
            verdict.add(_weight_of_unaccepted(certificate, accepted), VerdictCode.CERTIFICATE_UNTRUE, name)
    # 3.
    crls = {f"crls/{n:02}.crl": _crl(encoded) for n, encoded in enumerate(bundle.crls, start=1)}
    usable = []
    for name, crl in crls.items():
        if crl is not None and any(is_usable_crl(crl, issuer) for issuer in accepted):
            usable.append(crl)
        else:
            verdict.add(_weight_of_unaccepted(crl, accepted), VerdictCode.CRL_UNTRUE, name)
    return trust.extended([one for one in accepted if one not in trust.roots], usable)


def _has_issuer(certificate: x509.Certificate, accepted: Sequence[x509.Certificate]) -> bool:
    return any(is_issued_by(certificate, issuer) for issuer in accepted)


def _weight_of_unaccepted(
    document: x509.Certificate | x509.CertificateRevocationList | None, accepted: Sequence[x509.Certificate]
) -> Weight:
    return Weight.MISSING if document is not None and _is_of_unknown_issuer(document, accepted) else Weight.WRONG


def _is_of_unknown_issuer(
    document: x509.Certificate | x509.CertificateRevocationList, accepted: Sequence[x509.Certificate]
) -> bool:
    """Whether it names an issuer, by name or by key identifier, that is not among ``accepted``."""
    namesakes = [one for one in accepted if one.subject == document.issuer]
    if not namesakes:
        return True
    try:
        named = document.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        keys = [one.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest for one in namesakes]
    except (*_UNREADABLE, x509.ExtensionNotFound):
        return False
    return named is not None and named not in keys


def _certificate(pem: bytes) -> x509.Certificate | None:
    try:
        certificate = asn1.certificate_of(x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER))
    except (*_UNREADABLE, Invalid):
        return None
    return certificate if certificate.public_bytes(Encoding.PEM) == pem else None


def _crl(encoded: bytes) -> x509.CertificateRevocationList | None:
    """Load a revocation list (DER); None for one that cannot be read or is not DER."""
    try:
        # The library parses lazily; every part is read here, so that none raises in a later check.
        crl = x509.load_der_x509_crl(encoded)
        crl.issuer.public_bytes()
        crl.last_update_utc, crl.next_update_utc, crl.extensions  # noqa: B018 - reading is the point
        entries = [(entry.serial_number, entry.revocation_date_utc, entry.extensions) for entry in crl]
    except _UNREADABLE:
        return None
    # The octet before the signature says how many of its bits do not count, and is not signed: DER has 0 there.
    in_one_form = crl.public_bytes(Encoding.DER) == encoded and encoded.endswith(b"\x00" + crl.signature)
    return crl if in_one_form and len(entries) == len(crl) else None


# One record of the bundle.


@dataclass(frozen=True, slots=True)
class JudgedRecord:
    """One record of a bundle, as far as it could be read."""

    where: str
    """its folder in the bundle"""
    kind: str
    record_hash: bytes
    record: Record | None
    checkpoint: LogCheckpoint | None
    at: datetime | None
    """latest time at which it existed, by its time stamp; None if nothing proves it"""


class RecordJudge:
    """Judge of one record of a bundle; adds its findings to the verdict."""

    def __init__(
        self, where: str, bundled: BundledRecord, trust: Trust, verdict: Verdict, handoff: HandoffRecord | None = None
    ) -> None:
        """``handoff``: the handoff that this record answers, if it is a receipt or a minute."""
        self._where = where
        self._bundled = bundled
        self._trust = trust
        self._verdict = verdict
        self._handoff = handoff

    def judge(self) -> JudgedRecord:
        """Judge the record; each step relies on those before it.

        1. Parse the checkpoint, and verify the time stamp on it: from here on, "when" is the stamp's time.
        2. Verify the log's signature on the checkpoint.
        3. Verify the inclusion proof from the record and its signatures to the checkpoint's root.
        4. Parse the record, and verify the person's signature and the seal.
        5. Check that its times are not after the stamp, that the right parties signed, and that it names this log.
        """
        # 1.
        checkpoint = self._checkpoint()
        moment = self._stamped_at(checkpoint)
        # 2.
        self._check_log(checkpoint, moment)
        # 3.
        self._check_proof(checkpoint)
        # 4.
        record = self._record()
        signed = self._signatures(moment)
        # 5.
        if record is not None:
            self._check_times(record, moment)
            self._check_parties(record, signed, moment)
            if isinstance(record, HandoffRecord) and checkpoint is not None and record.log != checkpoint.log:
                self._wrong(VerdictCode.OTHER_LOG, detail=record.log)
        return JudgedRecord(self._where, self._bundled.kind, self._bundled.record_hash, record, checkpoint, moment)

    def _checkpoint(self) -> LogCheckpoint | None:
        try:
            return canonical.read(LogCheckpoint, self._bundled.checkpoint)
        except canonical.NotCanonical as error:
            self._wrong(VerdictCode.CHECKPOINT, "checkpoint.json", str(error))
            return None

    def _stamped_at(self, checkpoint: LogCheckpoint | None) -> datetime | None:
        """Verify the time stamp and return its time; None if nothing proves when the record existed."""
        if self._bundled.stamp is None:
            self._add(Weight.MISSING, VerdictCode.NOT_STAMPED, "checkpoint.tst")
            return None
        try:
            stamp = stamps.verify(self._bundled.stamp, self._bundled.checkpoint, self._trust)
        except (Invalid, Undecided) as failure:
            self._failed(failure, VerdictCode.STAMP, "checkpoint.tst")
            return None
        self._good(VerdictCode.STAMP, "checkpoint.tst", f"{local_time(stamp.at)}, {holder_name(stamp.certificate)}")
        self._check_party([SigningParty("tsa", ANY)], stamp.chain, "checkpoint.tst", stamp.at)
        if checkpoint is not None and stamp.at < checkpoint.at - SKEW:
            detail = f"{local_time(checkpoint.at)} > {local_time(stamp.at)}"
            self._wrong(VerdictCode.TIMES, "checkpoint.json", detail)
        return stamp.at

    def _check_log(self, checkpoint: LogCheckpoint | None, moment: datetime | None) -> None:
        content, signature = self._bundled.checkpoint, self._bundled.checkpoint_signature
        signed = self._verified(content, signature, "checkpoint.p7s", VerdictCode.CHECKPOINT, moment)
        if signed is None or checkpoint is None:
            return
        self._good(
            VerdictCode.CHECKPOINT,
            "checkpoint.json",
            vi("{log}, {size} entries", log=checkpoint.log, size=checkpoint.size),
        )
        self._check_party([SigningParty("log", checkpoint.log)], signed.chain, "checkpoint.p7s", moment)

    def _check_proof(self, checkpoint: LogCheckpoint | None) -> None:
        try:
            proof = merkle.read_proof(self._bundled.proof)
        except merkle.NotAProof as error:
            self._wrong(VerdictCode.PROOF, "proof.txt", str(error))
            return
        hashes = tuple(hashlib.sha256(signature).digest() for signature in self._bundled.signatures)
        if (proof.record_hash, proof.signature_hashes) != (self._bundled.record_hash, hashes):
            self._wrong(VerdictCode.PROOF_OF_ANOTHER, "proof.txt")
            return
        if checkpoint is not None and (proof.size, proof.root.hex()) != (checkpoint.size, checkpoint.root):
            self._wrong(VerdictCode.PROOF_OF_ANOTHER, "proof.txt")
            return
        leaf = merkle.leaf_hash(merkle.leaf_data(proof.record_hash, proof.signature_hashes))
        if merkle.verify_inclusion(leaf, proof.place, proof.size, proof.path, proof.root):
            self._good(
                VerdictCode.PROOF, "proof.txt", vi("entry {place} of {size}", place=proof.place + 1, size=proof.size)
            )
        else:
            self._wrong(VerdictCode.PROOF, "proof.txt")

    def _record(self) -> Record | None:
        model = RECORD_MODELS.get(self._bundled.kind)
        if model is None:
            self._wrong(VerdictCode.UNEXPECTED_PART)
            return None
        if self._bundled.record is None:
            return None
        try:
            record: Record = canonical.read(model, self._bundled.record)
        except canonical.NotCanonical as error:
            self._wrong(VerdictCode.RECORD, "record.json", str(error))
            return None
        self._good(VerdictCode.RECORD, "record.json", _title(record))
        return record

    def _signatures(self, moment: datetime | None) -> list[VerifiedSignature | None]:
        """Verify the person's signature over the record and the seal over that signature; None for an invalid one."""
        signatures = self._bundled.signatures
        record: bytes | ExpiredContent
        record = ExpiredContent(self._bundled.record_hash) if self._bundled.record is None else self._bundled.record
        if _is_order_reversed(record, signatures):
            self._wrong(VerdictCode.ORDER, "seal.p7s")
            return []
        contents = [record, *signatures[:-1]]
        verified: list[VerifiedSignature | None] = []
        codes = (VerdictCode.PERSON, VerdictCode.SEAL)
        for content, signature, name, code in zip(contents, signatures, SIGNATURES, codes, strict=False):
            signed = self._verified(content, signature, name, code, moment)
            if signed is not None:
                self._good(code, name, holder_name(signed.certificate))
            verified.append(signed)
        if self._bundled.record is None and verified and verified[0] is not None:
            self._add(Weight.MISSING, VerdictCode.EXPIRED, "record.json")
        if len(verified) == len(SIGNATURES) and verified[0] and verified[1]:
            person, seal = verified[0].signing_time, verified[1].signing_time
            if seal < person:
                self._wrong(VerdictCode.ORDER, "seal.p7s", f"{local_time(seal)} < {local_time(person)}")
        return verified

    def _verified(
        self,
        content: bytes | ExpiredContent,
        signature: bytes,
        file: str,
        code: VerdictCode,
        moment: datetime | None,
    ) -> VerifiedSignature | None:
        try:
            return verifier.verify(content, signature, self._trust, at=moment)
        except (Invalid, Undecided) as failure:
            self._failed(failure, code, file)
            return None

    def _check_times(self, record: Record, moment: datetime | None) -> None:
        if moment is None:
            return
        late = [time for time in _times(record) if time > moment + SKEW]
        if late:
            self._wrong(VerdictCode.TIMES, "record.json", f"{local_time(late[0])} > {local_time(moment)}")

    def _check_parties(self, record: Record, signed: list[VerifiedSignature | None], moment: datetime | None) -> None:
        """Check each signature against the party that a record of this kind needs, by the reader's trust list."""
        register = self._trust.register
        if register is None:
            return
        try:
            required = parties.required_signers(record, register.centre, self._handoff)
        except Invalid as failure:
            self._failed(failure, VerdictCode.PARTY, "record.json")
            return
        if signed and len(signed) != len(required):
            self._wrong(
                VerdictCode.PARTY,
                "record.p7s",
                vi("{signed} signatures ≠ {required}", signed=len(signed), required=len(required)),
            )
            return
        for signature, signer, name in zip(signed, required, SIGNATURES, strict=False):
            if signature is not None:
                self._check_party(signer, signature.chain, name, moment)

    def _check_party(
        self, signer: list[SigningParty], chain: Sequence[x509.Certificate], file: str, moment: datetime | None
    ) -> None:
        """Check that the signer of ``chain`` is every party in ``signer``."""
        if self._trust.register is None:  # trust_with_bundle has reported that
            return
        try:
            for party in signer:
                self._trust.register.check(party, chain, moment or now())
        except (Invalid, Undecided) as failure:
            self._failed(failure, VerdictCode.PARTY, file)
        else:
            self._good(VerdictCode.PARTY, file, f"{signer[0]} = {holder_name(chain[0])}")

    def _failed(self, failure: Invalid | Undecided, code: VerdictCode, file: str) -> None:
        weight = Weight.WRONG if isinstance(failure, Invalid) else Weight.MISSING
        self._add(weight, code, file, verdicts.explain_vi(failure))

    def _good(self, code: VerdictCode, file: str, detail: str) -> None:
        self._add(Weight.GOOD, code, file, detail)

    def _wrong(self, code: VerdictCode, file: str = "", detail: str = "") -> None:
        self._add(Weight.WRONG, code, file, detail)

    def _add(self, weight: Weight, code: VerdictCode, file: str, detail: str = "") -> None:
        self._verdict.add(weight, code, f"{self._where}/{file}" if file else self._where, detail)


def _is_order_reversed(record: bytes | ExpiredContent, signatures: tuple[bytes, ...]) -> bool:
    """Whether the second signature is over the record instead of the first signature."""
    if len(signatures) != len(SIGNATURES):
        return False
    try:
        digest = asn1.read_signed_data(signatures[1]).attributes.get(cms.MESSAGE_DIGEST)
    except Invalid:
        return False
    sha256 = record.sha256 if isinstance(record, ExpiredContent) else hashlib.sha256(record).digest()
    return digest == der.tlv(der.OCTETS, sha256)


def _title(record: Record) -> str:
    if isinstance(record, SettlementTable):
        return f"{record.department}, {record.month}"
    return vi("{dossier}, leg {leg}", dossier=record.dossier, leg=record.leg)


def _times(record: Record) -> tuple[datetime, ...]:
    if isinstance(record, SettlementTable):
        return (record.closed_at,)
    if isinstance(record, HandoffRecord):
        return record.received_at, record.given_at
    return (record.received_at,) if isinstance(record, ReceiptRecord) else (record.at, record.entered_at)


def holder_name(certificate: x509.Certificate) -> str:
    """The common names and serial numbers of the certificate's subject, for display."""
    common_names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return ", ".join([*(str(attribute.value) for attribute in common_names), *parties.serial_names(certificate)])


def local_time(moment: datetime) -> str:
    """``moment`` in Vietnam's time: 24/11/2026 08:15:02."""
    return f"{local(moment):%d/%m/%Y %H:%M:%S}"
