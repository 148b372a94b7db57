"""What a judge finds in a bundle, in words that an official can read out: a code, its meaning, and where."""

from dataclasses import dataclass, field
from enum import StrEnum

from schemas.explained import Explained


class VerdictAnswer(StrEnum):
    """The three answers to "is this what it says it is?"."""

    VALID = "VALID"
    INVALID = "INVALID"
    CANNOT_TELL = "CANNOT TELL"


class Weight(StrEnum):
    """What a finding means for the answer."""

    GOOD = "good"
    NOTE = "note"
    """worth knowing; decides nothing"""
    MISSING = "missing"
    """without this it cannot be told"""
    WRONG = "wrong"


class VerdictCode(Explained):
    """What can be found in a bundle. Good findings have the same word as what they are about."""

    FILE_CHANGED = ("FILE_CHANGED", "A file is not the one that SHA256SUMS lists.")
    SCRIPT_UNKNOWN = (
        "SCRIPT_UNKNOWN",
        "README.txt or verify.sh is not the one of this version of the hub: read it before you run or believe it.",
    )
    CERTIFICATE_UNTRUE = (
        "CERTIFICATE_UNTRUE",
        "A file in certificates/ is not a certificate, or was not issued by whom it names.",
    )
    CRL_UNTRUE = (
        "CRL_UNTRUE",
        "A file in crls/ is not a revocation list, or is not signed by the issuer that it names.",
    )
    NOT_STAMPED = (
        "NOT_STAMPED",
        "There is no time stamp yet, so nothing proves when it was signed. Export it again later.",
    )
    STAMP = ("STAMP", "The time stamp on the log's checkpoint (RFC 3161).")
    CHECKPOINT = ("CHECKPOINT", "The checkpoint and the log's signature on it.")
    PARTY = ("SIGNING_PARTY", "Whose signature this has to be, by the reader's trust list.")
    TRUST_LIST = (
        "TRUST_LIST",
        "The reader's trust list: which certificates sign for which agency, officer, log and time-stamping authority.",
    )
    PROOF = ("PROOF", "The way from this record's leaf to the root in the checkpoint (RFC 9162).")
    PROOF_OF_ANOTHER = (
        "PROOF_OF_ANOTHER",
        "The proof is of another record, other signatures, or another checkpoint than the ones beside it.",
    )
    RECORD = ("RECORD", "The record: canonical JSON of a kind that the hub knows.")
    EXPIRED = (
        "CONTENT_EXPIRED",
        "The content has expired and was taken away: who had to sign it cannot be told; its hash is what was signed.",
    )
    PERSON = ("PERSON_SIGNATURE", "The first signature, over the record.")
    SEAL = ("SEAL_SIGNATURE", "The organisation's seal, over the person's signature.")
    ORDER = (
        "SIGNATURE_ORDER",
        "The signatures are in the wrong order: the person signs first, then the seal (Decree 30/2020 Article 32).",
    )
    TIMES = ("TIME_ORDER", "The times contradict one another: something says that it happened after what proves it.")
    OTHER_LOG = ("LOG_OF_ANOTHER", "The record names another log than the one that it is in.")
    ANSWER_OF_ANOTHER = (
        "ANSWER_OF_ANOTHER",
        "The receipt or minute answers another handoff than the one in this bundle.",
    )
    FORKED = ("LOG_FORKED", "Two checkpoints of the same log contradict one another.")
    NO_ANSWER = ("NO_RECEIPT", "The bundle holds no receipt and no minute: the giver's side only.")
    UNEXPECTED_PART = ("UNEXPECTED_PART", "A part of the bundle is not what its folder says.")
    PACKAGE_SEAL = ("PACKAGE_SEAL", "The Centre's seal over every file of the package.")
    UNPROVED = (
        "WORD_OF_THE_CENTRE",
        "The Centre says so, under its seal; the department or the bank whose word it is has not signed it here.",
    )
    TABLE_SUMS = ("TABLE_SUMS", "The sums of a month's table, reckoned anew from its lines.")
    TABLE_SHEET = ("TABLE_SHEET", "The workbook is the one that this table gives.")
    TABLE_BOOK = ("TABLE_BOOK", "The signed checkpoint of the book that the table names.")
    TABLE_ANSWER = ("TABLE_ANSWER", "The department's answer: to this very table, about lines that it has.")
    TABLE_TRANSFER = ("TABLE_TRANSFER", "What was transferred is the net sum without the disputed lines.")
    TABLE_RECEIPTS = ("TABLE_RECEIPTS", "The list of receipts is what the table says of them.")


@dataclass(frozen=True, slots=True)
class BundleFinding:
    """One thing that was looked at."""

    weight: Weight
    code: VerdictCode
    where: str
    """the file or the part that it is about"""
    detail: str = ""
    """what was found there: a name, a time, or why not"""


@dataclass(slots=True)
class Verdict:
    """All that was found, and the answer that follows from it."""

    findings: list[BundleFinding] = field(default_factory=list)

    def add(self, weight: Weight, code: VerdictCode, where: str, detail: str = "") -> None:
        self.findings.append(BundleFinding(weight, code, where, detail))

    @property
    def answer(self) -> VerdictAnswer:
        """One wrong thing is enough; then one missing thing."""
        weights = {finding.weight for finding in self.findings}
        if Weight.WRONG in weights:
            return VerdictAnswer.INVALID
        return VerdictAnswer.CANNOT_TELL if Weight.MISSING in weights else VerdictAnswer.VALID
