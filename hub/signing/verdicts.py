"""Results of verification: errors of a single check, and the verdict on a whole bundle, as codes with explanations.

A check of a signature, certificate or time stamp raises Invalid or Undecided. The judge of a bundle (hub.signing.judge)
collects findings in a Verdict instead, so that one fault does not hide the others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from hub.errors import HubError
from hub.locale import vi
from schemas.explained import Explained


class _CheckError(HubError):
    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        self.sentence = sentence
        super().__init__(sentence)


class Invalid(_CheckError):
    """The check failed, and no further evidence can make it pass (ETSI EN 319 102-1: TOTAL-FAILED)."""


class Undecided(_CheckError):
    """Evidence that could decide it is missing, such as a revocation list or an issuer (INDETERMINATE)."""


REASONS_VI: Final[Mapping[str, str]] = {
    "another-party": vi("by the trust list this certificate is another party's"),
    "algorithm-refused": vi("the algorithm is not accepted"),
    "certificate-absent": vi("there is no certificate of the signer"),
    "certificate-refused": vi("the certificate has a critical extension that is not understood"),
    "certificate-unreadable": vi("the certificate cannot be read"),
    "certificates-superfluous": vi("there are certificates that have nothing to do with the signature"),
    "content-changed": vi("the content is not what was signed"),
    "content-gone": vi("the content is gone and the signature uses another digest"),
    "content-type": vi("wrong type of signed content"),
    "crl-missing": vi("the revocation list of the certificate's issuer is missing"),
    "crl-stale": vi("no revocation list speaks of that time"),
    "expired": vi("the certificate had expired at that time"),
    "issuer-refused": vi("the issuer of the certificate may not issue"),
    "key-refused": vi("the key is too weak or not accepted"),
    "key-usage": vi("the certificate is not for signing"),
    "no-path": vi("the certificate does not lead to a trusted root"),
    "not-a-signature": vi("the file is not a signature, or is damaged"),
    "not-a-stamp": vi("the file is not a time stamp, or is damaged"),
    "not-der": vi("the signature file is not in canonical form; it was changed"),
    "not-detached": vi("the signature file holds the content as well"),
    "not-listed": vi(
        "the trust list does not have this certificate for the party that has to sign; ask for a newer version"
    ),
    "not-one-signer": vi("the file does not have exactly one signature"),
    "not-yet-valid": vi("the certificate was not valid yet at that time"),
    "officer-absent": vi("the record names no officer, and one of the Centre's needs an officer's signature"),
    "out-of-period": vi("by the trust list the certificate did not sign for this party at that time"),
    "revoked": vi("the certificate had been revoked before that time"),
    "sides": vi("the parties in the record do not fit the kind of handoff"),
    "signature-wrong": vi("the signature was not made with this certificate's key"),
    "signing-certificate-absent": vi("the signature is not bound to a certificate (not CAdES)"),
    "signing-certificate-wrong": vi("the signature is bound to another certificate"),
    "signing-time": vi("the time of signing is not plausible"),
    "stamp-imprint": vi("the time stamp is of other content"),
    "stamp-purpose": vi("the certificate is not of a time-stamping authority"),
    "unsigned-parts": vi("the signature file has parts that the signature does not cover"),
}


def explain_vi(end: Invalid | Undecided) -> str:
    """The code and its explanation in Vietnamese; in English where there is no translation."""
    return f"{end.code}: {REASONS_VI.get(end.code, end.sentence)}"


class VerdictAnswer(StrEnum):
    """The result for a whole bundle or printed form."""

    VALID = "VALID"
    INVALID = "INVALID"
    CANNOT_TELL = "CANNOT TELL"


class Weight(StrEnum):
    """What a finding contributes to the answer."""

    GOOD = "good"
    NOTE = "note"
    """for information; decides nothing"""
    MISSING = "missing"
    """evidence is missing: the answer is CANNOT TELL"""
    WRONG = "wrong"


class VerdictCode(Explained):
    """What a finding in a bundle or a month's package is about; good and wrong findings share a code."""

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


def answer_of(weights: Iterable[Weight]) -> VerdictAnswer:
    """INVALID if any finding is wrong, else CANNOT TELL if any evidence is missing, else VALID."""
    present = set(weights)
    if Weight.WRONG in present:
        return VerdictAnswer.INVALID
    return VerdictAnswer.CANNOT_TELL if Weight.MISSING in present else VerdictAnswer.VALID


@dataclass(frozen=True, slots=True)
class BundleFinding:
    """The result of one check."""

    weight: Weight
    code: VerdictCode
    where: str
    """file or folder in the bundle"""
    detail: str = ""
    """name, time or reason"""


@dataclass(slots=True)
class Verdict:
    """The findings of a bundle, and the answer that follows from them."""

    findings: list[BundleFinding] = field(default_factory=list)

    def add(self, weight: Weight, code: VerdictCode, where: str, detail: str = "") -> None:
        self.findings.append(BundleFinding(weight, code, where, detail))

    @property
    def answer(self) -> VerdictAnswer:
        return answer_of(finding.weight for finding in self.findings)
