"""What can be found in a printed form, in words that an official can read out; weighed as the judge of bundles does."""

from collections.abc import Mapping
from dataclasses import dataclass

from hub.signing.findings import VerdictAnswer, Weight
from schemas.explained import Explained


class PaperCode(Explained):
    """What can be found in a printed form."""

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
    """One thing that was looked at."""

    weight: Weight
    code: PaperCode
    where: str
    """the signature's field, or the attached file"""
    detail: str = ""
    """who signed, when, or why not"""


@dataclass(frozen=True, slots=True)
class JudgedPaper:
    """All that was found, and the files that the form carries."""

    findings: tuple[PaperFinding, ...]
    attachments: Mapping[str, bytes]

    @property
    def answer(self) -> VerdictAnswer:
        """One wrong thing is enough; then one missing thing."""
        weights = {finding.weight for finding in self.findings}
        if Weight.WRONG in weights:
            return VerdictAnswer.INVALID
        return VerdictAnswer.CANNOT_TELL if Weight.MISSING in weights else VerdictAnswer.VALID
