"""Who must have signed, and whether they did: the one place that binds a signature to its party.

What a record is says which parties have to sign it; the reader's trust list says by which certificates each of them
signs. Names inside the evidence, in its certificates too, are claims and bind nobody.
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
"""instead of an officer's id or a TSA's code: whichever the list has"""


@dataclass(frozen=True, slots=True)
class SigningParty:
    """Somebody who has to sign."""

    kind: PartyKind
    holder: str
    officer: str | None = None
    unit: str | None = None
    """whose dossier the officer hands over; None: that cannot be told, and is not asked"""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.kind, self.holder, self.officer, self.unit and f"({self.unit})")))


class Register:
    """A reader's trust list, to be asked. Safe to share between threads."""

    def __init__(self, listed: TrustList, sha256: str) -> None:
        """``sha256``: of the list's bytes, by which a reader knows it."""
        self.listed = listed
        self.sha256 = sha256

    @property
    def centre(self) -> str:
        """The agency code of the Centre whose list it is."""
        return self.listed.centre

    def check(self, party: SigningParty, chain: Sequence[x509.Certificate], at: datetime) -> None:
        """That the signer at the beginning of ``chain`` signs as ``party`` at ``at``; the root is at its end.

        Raises Invalid where the list says that it is another's or that its time is another, Undecided where the list
        does not know the certificate.
        """
        check(self.listed.entries, party, chain, at)


def check(entries: Sequence[TrustEntry], party: SigningParty, chain: Sequence[x509.Certificate], at: datetime) -> None:
    """As ``Register.check``, by these entries."""
    named = [entry for entry in entries if _is_named(entry, party, chain)]
    theirs = [entry for entry in named if _is_of(entry, party)]
    if any(_counts(entry, at) for entry in theirs):
        return
    if theirs:
        raise Invalid("out-of-period", f"the trust list lets this certificate sign as {party} at another time only")
    if named:
        raise Invalid("another-party", f"by the trust list it is {_called(named[0])}; it has to be {party}")
    raise Undecided("not-listed", f"the trust list does not have it as {party}")


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of its DER, in hex."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def serial_names(certificate: x509.Certificate) -> list[str]:
    """What stands in its subject as serialNumber."""
    return [str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)]


def required_signers(
    record: SignedRecord, centre: str, handoff: HandoffRecord | None = None
) -> list[list[SigningParty]]:
    """For every signature, in their order, the parties that its signer has to be, all at once.

    ``handoff``: what a receipt or a minute answers, where it can be read. Raises Invalid for a record that nobody may
    sign: sides that do not fit its act, no officer where one has to sign.
    """
    if isinstance(record, SettlementTable):
        return [[SigningParty("seal", centre)]]
    side, unit = _signing_side(record), _unit(record, handoff)
    agencies = {side.agency}
    if isinstance(record, ReceiptRecord) and handoff is not None:
        # One agency has a code in two registers; both have to be the signer's.
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
    """The department whose dossier it is."""
    given = record if isinstance(record, HandoffRecord) else handoff
    if given is None:
        return None
    return given.giver.agency if given.act is Act.RETURN else given.receiver.agency


def _check_sides(
    record: HandoffRecord | ReceiptRecord | MinuteRecord, centre: str, handoff: HandoffRecord | None
) -> None:
    """Raises Invalid unless roles, agencies and act belong together."""
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


def _is_named(entry: TrustEntry, party: SigningParty, chain: Sequence[x509.Certificate]) -> bool:
    """Whether the entry speaks of this certificate."""
    if entry.certificate is not None:
        return entry.certificate == fingerprint(chain[0])
    if entry.root != fingerprint(chain[-1]):
        return False
    if entry.kind == "tsa":  # what makes a certificate a TSA's is its purpose (hub.signing.stamps)
        return party.kind == "tsa" and entry.subject in (None, *serial_names(chain[0]))
    subject = entry.subject or (party.officer if _is_of(entry, party) else None)
    return subject is not None and serial_names(chain[0]) == [subject]


def _is_of(entry: TrustEntry, party: SigningParty) -> bool:
    return (
        entry.kind == party.kind
        and (party.holder in (entry.holder, ANY))
        and (entry.officer is None or party.officer in (entry.officer, ANY))
        and (entry.unit is None or party.unit in (entry.unit, None))
    )


def _counts(entry: TrustEntry, at: datetime) -> bool:
    return (entry.since is None or entry.since <= at) and (entry.until is None or at <= entry.until)


def _called(entry: TrustEntry) -> str:
    return str(SigningParty(entry.kind, entry.holder, entry.officer, entry.unit))
