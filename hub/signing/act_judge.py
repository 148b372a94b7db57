"""The judge of one part of a bundle: its time, its checkpoint, its place in the log, its record and its signatures."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from hub.clock import local, now
from hub.locale import vi
from hub.signing import canonical, cms, der, merkle, parties, proof, signed_data, stamps, verdicts, verifier
from hub.signing.bundle import SIGNATURES, BundledAct
from hub.signing.findings import Verdict, VerdictCode, Weight
from hub.signing.parties import ANY, SigningParty
from hub.signing.trust import Trust
from hub.signing.verdicts import Invalid, Undecided
from hub.signing.verifier import SKEW, Gone, VerifiedSignature
from schemas import strict
from schemas.custody import LogCheckpoint
from schemas.handoff import HandoffRecord, MinuteRecord, ReceiptRecord
from schemas.settlement import SettlementTable

Record = parties.SignedRecord

KINDS: Final[Mapping[str, type[Record]]] = {
    "handoff": HandoffRecord,
    "receipt": ReceiptRecord,
    "minute": MinuteRecord,
    "settlement": SettlementTable,
}
"""A part's kind → what its record is"""


@dataclass(frozen=True, slots=True)
class JudgedAct:
    """What one part says, as far as it could be read."""

    where: str
    kind: str
    record_hash: bytes
    record: Record | None
    checkpoint: LogCheckpoint | None
    at: datetime | None
    """when it existed at the latest; None where nothing proves it"""


class ActJudge:
    """One part, and the verdict to which its findings are added."""

    def __init__(
        self, where: str, act: BundledAct, trust: Trust, verdict: Verdict, handoff: HandoffRecord | None = None
    ) -> None:
        """``handoff``: what this part answers, if it is an answer."""
        self._where = where
        self._act = act
        self._trust = trust
        self._verdict = verdict
        self._handoff = handoff

    def judge(self) -> JudgedAct:
        """Everything about this part, in the order in which one thing stands on another."""
        checkpoint = self._checkpoint()
        moment = self._time(checkpoint)
        self._check_log(checkpoint, moment)
        self._check_proof(checkpoint)
        record = self._record()
        signed = self._signatures(moment)
        if record is not None:
            self._check_times(record, moment)
            self._check_parties(record, signed, moment)
            if isinstance(record, HandoffRecord) and checkpoint is not None and record.log != checkpoint.log:
                self._wrong(VerdictCode.OTHER_LOG, detail=record.log)
        return JudgedAct(self._where, self._act.kind, self._act.record_hash, record, checkpoint, moment)

    def _checkpoint(self) -> LogCheckpoint | None:
        try:
            return proof.read_checkpoint(self._act.checkpoint)
        except proof.NotACheckpoint as error:
            self._wrong(VerdictCode.CHECKPOINT, "checkpoint.json", str(error))
            return None

    def _time(self, checkpoint: LogCheckpoint | None) -> datetime | None:
        """When everything here existed at the latest; None if nothing proves it."""
        if self._act.stamp is None:
            self._add(Weight.MISSING, VerdictCode.NOT_STAMPED, "checkpoint.tst")
            return None
        try:
            stamp = stamps.verify(self._act.stamp, self._act.checkpoint, self._trust)
        except (Invalid, Undecided) as end:
            self._ended(end, VerdictCode.STAMP, "checkpoint.tst")
            return None
        self._good(VerdictCode.STAMP, "checkpoint.tst", f"{shown(stamp.at)}, {name_of(stamp.certificate)}")
        self._check_party([SigningParty("tsa", ANY)], stamp.chain, "checkpoint.tst", stamp.at)
        if checkpoint is not None and stamp.at < checkpoint.at - SKEW:
            self._wrong(VerdictCode.TIMES, "checkpoint.json", f"{shown(checkpoint.at)} > {shown(stamp.at)}")
        return stamp.at

    def _check_log(self, checkpoint: LogCheckpoint | None, moment: datetime | None) -> None:
        signed = self._verified(self._act.checkpoint, "checkpoint.p7s", VerdictCode.CHECKPOINT, moment)
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
            found = proof.read(self._act.proof)
        except proof.NotAProof as error:
            self._wrong(VerdictCode.PROOF, "proof.txt", str(error))
            return
        hashes = tuple(hashlib.sha256(signature).digest() for signature in self._act.signatures)
        if (found.record_hash, found.signature_hashes) != (self._act.record_hash, hashes):
            self._wrong(VerdictCode.PROOF_OF_ANOTHER, "proof.txt")
            return
        if checkpoint is not None and (found.size, found.root.hex()) != (checkpoint.size, checkpoint.root):
            self._wrong(VerdictCode.PROOF_OF_ANOTHER, "proof.txt")
            return
        leaf = merkle.leaf_hash(proof.leaf_data(found.record_hash, found.signature_hashes))
        if merkle.verify_inclusion(leaf, found.place, found.size, found.path, found.root):
            self._good(
                VerdictCode.PROOF, "proof.txt", vi("entry {place} of {size}", place=found.place + 1, size=found.size)
            )
        else:
            self._wrong(VerdictCode.PROOF, "proof.txt")

    def _record(self) -> Record | None:
        model = KINDS.get(self._act.kind)
        if model is None:
            self._wrong(VerdictCode.UNEXPECTED_PART)
            return None
        if self._act.record is None:
            return None
        try:
            canonical.decode(self._act.record)
            record: Record = strict.read(model, self._act.record)
        except canonical.NotCanonical as error:
            self._wrong(VerdictCode.RECORD, "record.json", str(error))
            return None
        except strict.Refused as refused:
            places = ", ".join(f"{fault.pointer or '/'} {fault.code}" for fault in refused.faults[:3])
            self._wrong(VerdictCode.RECORD, "record.json", places)
            return None
        self._good(VerdictCode.RECORD, "record.json", _called(record))
        return record

    def _signatures(self, moment: datetime | None) -> list[VerifiedSignature | None]:
        """Whose they are, in their order; None for one that does not hold."""
        signatures = self._act.signatures
        if _is_turned_round(self._content, signatures):
            self._wrong(VerdictCode.ORDER, "seal.p7s")
            return []
        contents = [self._content, *signatures[:-1]]
        found: list[VerifiedSignature | None] = []
        for content, name, code in zip(contents, SIGNATURES, (VerdictCode.PERSON, VerdictCode.SEAL), strict=False):
            signed = self._verified(content, name, code, moment)
            if signed is not None:
                self._good(code, name, name_of(signed.certificate))
            found.append(signed)
        if self._act.record is None and found and found[0] is not None:
            self._add(Weight.MISSING, VerdictCode.EXPIRED, "record.json")
        if len(found) == len(SIGNATURES) and found[0] and found[1] and found[1].signing_time < found[0].signing_time:
            self._wrong(
                VerdictCode.ORDER, "seal.p7s", f"{shown(found[1].signing_time)} < {shown(found[0].signing_time)}"
            )
        return found

    @property
    def _content(self) -> bytes | Gone:
        return Gone(self._act.record_hash) if self._act.record is None else self._act.record

    def _verified(
        self, content: bytes | Gone, name: str, code: VerdictCode, moment: datetime | None
    ) -> VerifiedSignature | None:
        signature = {**dict(zip(SIGNATURES, self._act.signatures, strict=False))}.get(
            name, self._act.checkpoint_signature
        )
        try:
            return verifier.verify(content, signature, self._trust, at=moment)
        except (Invalid, Undecided) as end:
            self._ended(end, code, name)
            return None

    def _check_times(self, record: Record, moment: datetime | None) -> None:
        if moment is None:
            return
        late = [time for time in _times(record) if time > moment + SKEW]
        if late:
            self._wrong(VerdictCode.TIMES, "record.json", f"{shown(late[0])} > {shown(moment)}")

    def _check_parties(self, record: Record, signed: list[VerifiedSignature | None], moment: datetime | None) -> None:
        """Each signature is the one that a record of this kind needs there, by the reader's trust list."""
        register = self._trust.register
        if register is None:
            return
        try:
            wanted = parties.required(record, register.centre, self._handoff)
        except Invalid as end:
            self._ended(end, VerdictCode.PARTY, "record.json")
            return
        if signed and len(signed) != len(wanted):
            self._wrong(
                VerdictCode.PARTY,
                "record.p7s",
                vi("{signed} signatures ≠ {required}", signed=len(signed), required=len(wanted)),
            )
            return
        for one, must_be, name in zip(signed, wanted, SIGNATURES, strict=False):
            if one is not None:
                self._check_party(must_be, one.chain, name, moment)

    def _check_party(
        self, wanted: list[SigningParty], chain: Sequence[x509.Certificate], file: str, moment: datetime | None
    ) -> None:
        """That the signer is each of ``wanted``; without a trust list the verdict has said already that none is."""
        if self._trust.register is None:
            return
        try:
            for party in wanted:
                self._trust.register.check(party, chain, moment or now())
        except (Invalid, Undecided) as end:
            self._ended(end, VerdictCode.PARTY, file)
        else:
            self._good(VerdictCode.PARTY, file, f"{wanted[0]} = {name_of(chain[0])}")

    def _ended(self, end: Invalid | Undecided, code: VerdictCode, file: str) -> None:
        self._add(Weight.WRONG if isinstance(end, Invalid) else Weight.MISSING, code, file, verdicts.explain_vi(end))

    def _good(self, code: VerdictCode, file: str, detail: str) -> None:
        self._add(Weight.GOOD, code, file, detail)

    def _wrong(self, code: VerdictCode, file: str = "", detail: str = "") -> None:
        self._add(Weight.WRONG, code, file, detail)

    def _add(self, weight: Weight, code: VerdictCode, file: str, detail: str = "") -> None:
        self._verdict.add(weight, code, f"{self._where}/{file}" if file else self._where, detail)


def _is_turned_round(content: bytes | Gone, signatures: tuple[bytes, ...]) -> bool:
    """Whether the second signature is over the record: it was made first, or it does not know of the first."""
    if len(signatures) != len(SIGNATURES):
        return False
    try:
        digest = signed_data.read(signatures[1]).attributes.get(cms.MESSAGE_DIGEST)
    except Invalid:
        return False
    hash_ = content.sha256 if isinstance(content, Gone) else hashlib.sha256(content).digest()
    return digest == der.tlv(der.OCTETS, hash_)


def _called(record: Record) -> str:
    if isinstance(record, SettlementTable):
        return f"{record.department}, {record.month}"
    return vi("{dossier}, leg {leg}", dossier=record.dossier, leg=record.leg)


def _times(record: Record) -> tuple[datetime, ...]:
    if isinstance(record, SettlementTable):
        return (record.closed_at,)
    if isinstance(record, HandoffRecord):
        return record.received_at, record.given_at
    return (record.received_at,) if isinstance(record, ReceiptRecord) else (record.at, record.entered_at)


def name_of(certificate: x509.Certificate) -> str:
    """Whose it is, for people."""
    named = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return ", ".join([*(str(attribute.value) for attribute in named), *parties.serial_names(certificate)])


def shown(moment: datetime) -> str:
    """A moment as a clock in Vietnam shows it."""
    return f"{local(moment):%d/%m/%Y %H:%M:%S}"
