"""The exceptions that there are: what each means, where its money sits, by when and how it may be settled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hub.locale import msgid, vi


class ExceptionCode(StrEnum):
    """The code of an exception: R money received, N notifications, S statements, V money taken back, P charges and
    payouts, M the month, L the book itself."""

    R01 = "R01"
    R02 = "R02"
    R03 = "R03"
    R04 = "R04"
    R05 = "R05"
    R06 = "R06"
    R07 = "R07"
    R08 = "R08"
    R09 = "R09"
    N01 = "N01"
    N02 = "N02"
    N03 = "N03"
    S01 = "S01"
    S02 = "S02"
    S03 = "S03"
    S04 = "S04"
    S05 = "S05"
    S06 = "S06"
    S07 = "S07"
    S08 = "S08"
    V01 = "V01"
    V02 = "V02"
    V03 = "V03"
    V04 = "V04"
    V05 = "V05"
    P01 = "P01"
    P02 = "P02"
    M01 = "M01"
    M02 = "M02"
    M03 = "M03"
    L01 = "L01"
    L02 = "L02"
    L03 = "L03"
    L04 = "L04"

    @property
    def about(self) -> "ExceptionDescription":
        return CODES[self]


@dataclass(frozen=True, slots=True)
class ExceptionDescription:
    """What a code means."""

    title: str
    """in few words (msgid)"""
    sits: str
    """where the money is meanwhile: accounts of the book (hub.fees.ledger.entry); empty: nowhere"""
    days: int
    """working days within which it is to be settled; 0: today"""
    otherwise: str
    """what happens if nobody acts, in Vietnamese"""
    resolutions: Sequence[str] = ()
    """names in resolutions.RESOLUTIONS; none: it is settled by what ``elsewhere`` says"""
    elsewhere: str = ""
    """a command that settles it, or what comes by itself; in Vietnamese"""


_FILE: Final = vi("`hub fee statements approve` or `reject`, two persons; an unreadable file: one person `reject`")
_HELD: Final = vi("The file is held back and none of its lines is booked; the day cannot be closed.")

CODES: Final[Mapping[ExceptionCode, ExceptionDescription]] = {
    ExceptionCode.R01: ExceptionDescription(
        msgid("Money of which nobody knows what it is for"),
        "338",
        3,
        vi("The money is on 338 and the payer's dossier waits; the day cannot be closed unless it is" " carried over."),
        ("assign", "return_to_sender", "not_fee"),
    ),
    ExceptionCode.R02: ExceptionDescription(
        msgid("Several demands are equally likely"),
        "338",
        1,
        vi("The money is on 338; no demand counts as paid."),
        ("choose", "assign", "return_to_sender"),
    ),
    ExceptionCode.R03: ExceptionDescription(
        msgid("A demand was paid a second time"),
        "339",
        5,
        vi("The money is on 339, owed to the payer."),
        ("refund", "allocate"),
    ),
    ExceptionCode.R04: ExceptionDescription(
        msgid("Less came than is due"),
        "331",
        5,
        vi("The dossier waits for the full amount; when the time to pay is over the demand expires."),
        ("waive_rest", "refund"),
        vi("closes by itself when the payer pays the rest"),
    ),
    ExceptionCode.R05: ExceptionDescription(
        msgid("More came than is due"),
        "339",
        5,
        vi("The surplus is on 339, owed to the payer."),
        ("refund", "allocate"),
    ),
    ExceptionCode.R06: ExceptionDescription(
        msgid("Money for a demand that has expired"),
        "338",
        2,
        vi("The money is on 338; the dossier does not go on."),
        ("renew", "return_to_sender"),
    ),
    ExceptionCode.R07: ExceptionDescription(
        msgid("Money for what has ended"),
        vi("339 or 331"),
        5,
        vi("The money stays where it is; the payer has no answer yet."),
        ("refund", "no_refund"),
    ),
    ExceptionCode.R08: ExceptionDescription(
        msgid("Paid for the wrong dossier"),
        "331",
        2,
        vi("Both demands stay as they are booked."),
        ("move", "no_move"),
    ),
    ExceptionCode.R09: ExceptionDescription(
        msgid("Not ours, or another account"),
        "338",
        5,
        vi("The money is on 338 or not booked yet."),
        ("not_fee", "return_to_sender", "noted"),
    ),
    ExceptionCode.N01: ExceptionDescription(
        msgid("Notified, and on no statement"),
        "112",
        1,
        vi("The money is on 112; the dossier goes on as notified, though the money may not exist."),
        ("confirm", "void"),
        vi("closes by itself when the statement line arrives"),
    ),
    ExceptionCode.N02: ExceptionDescription(
        msgid("On the statement, and nobody notified it"),
        "",
        5,
        vi("No harm: the money counts for the dossier. It counts the notifier's failures."),
        ("noted",),
    ),
    ExceptionCode.N03: ExceptionDescription(
        msgid("The same movement was told in other words"),
        vi("338 or 112"),
        0,
        vi("The first notification stands; the later one has no effect."),
        ("answered", "assign", "return_to_sender", "not_fee"),
    ),
    ExceptionCode.S01: ExceptionDescription(
        msgid("The file does not balance"),
        "",
        1,
        _HELD,
        elsewhere=_FILE,
    ),
    ExceptionCode.S02: ExceptionDescription(
        msgid("The chain of balances is broken"),
        "",
        1,
        _HELD,
        elsewhere=_FILE,
    ),
    ExceptionCode.S03: ExceptionDescription(
        msgid("A day is missing"),
        "",
        1,
        _HELD,
        elsewhere=_FILE,
    ),
    ExceptionCode.S04: ExceptionDescription(
        msgid("The period came before, with other content"),
        "",
        1,
        _HELD,
        elsewhere=_FILE,
    ),
    ExceptionCode.S05: ExceptionDescription(
        msgid("It cannot be read"), "", 1, _HELD, elsewhere=_FILE
    ),
    ExceptionCode.S06: ExceptionDescription(
        msgid("An account that is not ours"), "", 1, _HELD, elsewhere=_FILE
    ),
    ExceptionCode.S07: ExceptionDescription(
        msgid("Another currency"), "", 1, _HELD, elsewhere=_FILE
    ),
    ExceptionCode.S08: ExceptionDescription(
        msgid("A line of an accepted statement has vanished"),
        "",
        1,
        vi("The old line no longer counts in the balance; the bank has to answer."),
        ("bank_answer",),
    ),
    ExceptionCode.V01: ExceptionDescription(
        msgid("Taken back, and nobody knows of which payment"),
        "341",
        1,
        vi("The money has left the account and is on 341, deducted from nobody yet."),
        ("recover", "answered"),
    ),
    ExceptionCode.V02: ExceptionDescription(
        msgid("Taken back after the department had the money"),
        "341",
        1,
        vi("The money is on 341; the agency still has what the Centre has lost."),
        ("recover_from_department",),
    ),
    ExceptionCode.V03: ExceptionDescription(
        msgid("A chargeback"),
        vi("331 or 341"),
        5,
        vi("When the time to respond is over the chargeback is lost."),
        elsewhere=vi("`hub fee chargebacks`; closes by itself when the debit arrives"),
    ),
    ExceptionCode.V04: ExceptionDescription(
        msgid("A refund, or a payment of ours, came back"),
        vi("113 or 338"),
        5,
        vi("The payer has not received the money."),
        ("refund", "return_to_sender", "not_fee"),
    ),
    ExceptionCode.V05: ExceptionDescription(
        msgid("A debit that is not what was ordered"),
        "642",
        5,
        vi("It is not known whom the money went to; the day cannot be closed unless it is carried" " over."),
        ("own_order", "charge", "not_fee"),
    ),
    ExceptionCode.P01: ExceptionDescription(
        msgid("A payout is not what its report comes to"),
        "338",
        5,
        vi("The payout is on 338; the payments through the gateway are on 112."),
        ("book_payout", "not_fee"),
    ),
    ExceptionCode.P02: ExceptionDescription(
        msgid("A debit that nobody expected"),
        "642",
        5,
        vi("Booked as bank charges (642) for the time being."),
        ("own_order", "charge", "not_fee"),
    ),
    ExceptionCode.M01: ExceptionDescription(
        msgid("A department disputes a line"),
        "331",
        5,
        vi("The line is not transferred; it goes into the next month's table."),
        elsewhere=vi("closes by itself when the agency confirms the line in a later table"),
    ),
    ExceptionCode.M02: ExceptionDescription(
        msgid("A transfer that is on no statement"),
        "331",
        2,
        vi("The agency has not received the money."),
        elsewhere=vi("closes by itself when the statement line arrives; if the bank does not pay: `hub fee"
                     " orders fail`"),
    ),
    ExceptionCode.M03: ExceptionDescription(
        msgid("A receipt is missing, or has another number at its issuer"),
        "",
        1,
        vi("The month cannot be closed."),
        ("receipt_mended",),
    ),
    ExceptionCode.L01: ExceptionDescription(
        msgid("An invariant of the book does not hold"),
        "",
        0,
        vi("No day is closed and no money is transferred."),
        ("mended",),
    ),
    ExceptionCode.L02: ExceptionDescription(
        msgid("Numbers have a gap, or an entry was changed"),
        "",
        0,
        vi("No day is closed and no money is transferred."),
        ("mended",),
    ),
    ExceptionCode.L03: ExceptionDescription(
        msgid("Entries do not lead to a signed root"),
        "",
        0,
        vi("No day is closed and no money is transferred."),
        ("mended",),
    ),
    ExceptionCode.L04: ExceptionDescription(
        msgid("Made anew, the book is another"),
        "",
        0,
        vi("No day is closed and no money is transferred."),
        ("mended",),
    ),
}  # fmt: skip

SEVERITY: Final = ((10_000_000, 1), (1_000_000, 2), (100_000, 3))
"""đồng at risk, from which on it is so severe; 1: the worst, 4: whatever is less"""
WORST: Final = frozenset({ExceptionCode.L01, ExceptionCode.L02, ExceptionCode.L03, ExceptionCode.L04})
"""severe whatever is at risk"""


def severity(code: ExceptionCode, at_risk: int) -> int:
    """How severe an exception of this code is; ``at_risk`` in đồng."""
    if code in WORST:
        return 1
    return next((level for least, level in SEVERITY if at_risk >= least), 4)
