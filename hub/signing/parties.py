"""Which parties must sign a record, and whether a certificate is one of a party: binds a signature to its signer.

The kind of a record determines the parties that have to sign it; the reader's trust list determines the certificates of
each. Names inside the evidence, in certificates too, are claims and prove nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from hub.signing.verdicts import Invalid, Undecided
from schemas.handoff import Act, HandoffRecord, HandoffSide, MinuteRecord, ReceiptRecord
from schemas.settlement import SettlementTable
from schemas.trust_list import PartyKind, TrustEntry, TrustList

SignedRecord = HandoffRecord | ReceiptRecord | MinuteRecord | SettlementTable
ANY: Final = "*"
"""matches any officer's id or TSA's code in the list"""


@dataclass(frozen=True, slots=True)
class SigningParty:
    """A party that has to sign: a seal, officer, log or TSA (``kind``) of the agency or service ``holder``."""

    kind: PartyKind
    holder: str
    officer: str | None = None
    unit: str | None = None
    """agency code of the department whose dossier the officer hands over; None: unknown, and not checked"""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.kind, self.holder, self.officer, self.unit and f"({self.unit})")))


class Register:
    """A reader's trust list with its hash. Safe to share between threads."""

    def __init__(self, listed: TrustList, sha256: str) -> None:
        """``sha256``: of the list's bytes (hex), by which readers identify a version."""
        self.listed = listed
        self.sha256 = sha256

    @property
    def centre(self) -> str:
        """Agency code of the Centre that issued the list."""
        return self.listed.centre

    def check(self, party: SigningParty, chain: Sequence[x509.Certificate], at: datetime) -> None:
        """Check that the certificate at the start of ``chain`` is one of ``party`` at ``at``; the root is at its end.

        Raises Invalid if the list has it for another party or another period, Undecided if it does not list it.
        """
        check(self.listed.entries, party, chain, at)


def check(entries: Sequence[TrustEntry], party: SigningParty, chain: Sequence[x509.Certificate], at: datetime) -> None:
    """Check as ``Register.check`` does, by ``entries``."""
    named = [entry for entry in entries if _names(entry, party, chain)]
    theirs = [entry for entry in named if _is_for(entry, party)]
    if any(_is_within_period(entry, at) for entry in theirs):
        return
    if theirs:
        raise Invalid("out-of-period", f"the trust list lets this certificate sign as {party} at another time only")
    if named:
        raise Invalid("another-party", f"by the trust list it is {_party_of(named[0])}; it has to be {party}")
    raise Undecided("not-listed", f"the trust list does not have it as {party}")


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the certificate (DER), in hex."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def serial_names(certificate: x509.Certificate) -> list[str]:
    """The serialNumber attributes of the certificate's subject."""
    return [str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)]


def required_signers(
    record: SignedRecord, centre: str, handoff: HandoffRecord | None = None
) -> list[list[SigningParty]]:
    """For each signature, in signing order, the parties that its signer has to be, all of them at once.

    ``handoff``: the handoff that a receipt or minute answers, if it could be read. Raises Invalid for a record that is
    contradictory: sides that do not fit its act, or no officer where one has to sign.
    """
    if isinstance(record, SettlementTable):
        return [[SigningParty("seal", centre)]]
    side, unit = _signing_side(record), _unit(record, handoff)
    agencies = {side.agency}
    if isinstance(record, ReceiptRecord) and handoff is not None:
        # An agency has a code in each of two registers; both have to be the signer's.
        agencies.add(handoff.receiver.agency)
    _check_sides(record, centre, handoff)
    seals = [SigningParty("seal", code) for code in sorted(agencies)]
    if side.officer is not None:
        return [[SigningParty("officer", side.agency, side.officer, unit if side.role == "centre" else None)], seals]
    if side.role == "centre":
        raise Invalid("officer-absent", "the record names no officer, and the Centre's are signed by one")
    return [seals]


def _signing_side(record: HandoffRecord | ReceiptRecord | MinuteRecord) -> HandoffSide:
    if isinstance(record, HandoffRecord):
        return record.giver
    return record.receiver if isinstance(record, ReceiptRecord) else record.entered_by


def _unit(record: HandoffRecord | ReceiptRecord | MinuteRecord, handoff: HandoffRecord | None) -> str | None:
    """Agency code of the department whose dossier is handed over; None if the handoff is not known."""
    if isinstance(record, HandoffRecord):
        handoff = record
    if handoff is None:
        return None
    return handoff.giver.agency if handoff.act is Act.RETURN else handoff.receiver.agency


def _check_sides(
    record: HandoffRecord | ReceiptRecord | MinuteRecord, centre: str, handoff: HandoffRecord | None
) -> None:
    """Raises Invalid unless the roles and agencies of the sides fit the record's act."""
    if isinstance(record, HandoffRecord):
        sides = [record.giver, record.receiver]
        roles = ["centre", "department"] if record.act is Act.TRANSFER else ["department", "centre"]
    elif isinstance(record, ReceiptRecord):
        sides, roles = [record.receiver], [handoff.receiver.role if handoff else record.receiver.role]
    else:
        sides, roles = [record.entered_by], ["centre"]
    if [side.role for side in sides] != roles or any(
        (side.role == "centre") != (side.agency == centre) for side in sides
    ):
        raise Invalid("sides", "the sides named in the record are not those of its act")


def _names(entry: TrustEntry, party: SigningParty, chain: Sequence[x509.Certificate]) -> bool:
    """Whether the entry names the certificate at the start of ``chain``."""
    if entry.certificate is not None:
        return entry.certificate == fingerprint(chain[0])
    if entry.root != fingerprint(chain[-1]):
        return False
    if entry.kind == "tsa":  # a TSA's certificate is known by its purpose (hub.signing.stamps)
        return party.kind == "tsa" and entry.subject in (None, *serial_names(chain[0]))
    subject = entry.subject or (party.officer if _is_for(entry, party) else None)
    return subject is not None and serial_names(chain[0]) == [subject]


def _is_for(entry: TrustEntry, party: SigningParty) -> bool:
    return (
        entry.kind == party.kind
        and (party.holder in (entry.holder, ANY))
        and (entry.officer is None or party.officer in (entry.officer, ANY))
        and (entry.unit is None or party.unit in (entry.unit, None))
    )


def _is_within_period(entry: TrustEntry, at: datetime) -> bool:
    return (entry.since is None or entry.since <= at) and (entry.until is None or at <= entry.until)


def _party_of(entry: TrustEntry) -> str:
    return str(SigningParty(entry.kind, entry.holder, entry.officer, entry.unit))
