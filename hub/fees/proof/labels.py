"""What accountants read about the proof: each check, and the things in which an offender may be found."""

from collections.abc import Mapping
from typing import Final

from hub.locale import vi

CHECKS: Final[Mapping[str, str]] = {
    # I1
    "entries are numbered without a gap": vi("Entries are numbered without gaps"),
    "both sides of every entry are equal and what it says": vi(
        "Each entry has debit = credit = the amount on the entry"
    ),
    "debit and credit of the whole book are equal": vi("Total debits = total credits of the whole ledger"),
    "every entry is the one that was posted": vi("Every entry is as it was posted"),
    "a closed day has the entries with which it was closed": vi(
        "A closed day has the entries that it had when it was closed"
    ),
    "a closed month has the entries with which it was closed": vi(
        "A closed month has the entries that it had when it was closed"
    ),
    "the entries lead to the signed roots": vi("The entries lead to the signed root"),
    "checkpoints follow one another and lie in the custody log": (
        vi("Each checkpoint follows the one before and is in the custody log")
    ),
    # I2
    "111 of every account is what its statements have booked": (
        vi("Balance of 111 by account = sum of the booked statement lines")
    ),
    "every booked line that has an outcome is in the book once, with its amount and its account": (
        vi("Each statement line with a result is booked once, with its amount and account")
    ),
    # I3
    "no booked line has waited for an hour without an outcome": vi(
        "No statement line is without a result for more than an hour"
    ),
    "a line is matched, in an open case, or no fee: one of the three": (
        vi("Each statement line is matched, has an open exception, or is not a fee")
    ),
    "a line, and a payment, stand in one confirmed match": (
        vi("Each statement line and each payment is in one confirmed match only")
    ),
    "what a match counts for a demand was credited to it by its payment": (
        vi("What a match allocates to a demand, the payment has credited to that demand")
    ),
    "a match counts no more than came, and its line and payment are of one amount and account": (
        vi("No match allocates more than came; line and payment have the same amount and account")
    ),
    "no movement is two payments because two issuers number it": (
        vi("No transaction became two payments because two notifiers number differently")
    ),
    "a payment order that was paid is one debit of its account and its amount; one that came back is a credit too": (
        vi("A paid order is one debit of the right account and amount; a returned one has a credit as well")
    ),
    # I4
    "deliveries are the bytes that came": vi("The content of a notification is as it was received"),
    "deliveries are events, repetitions, conflicts, and what was not believed": (
        vi("Each notification is a new event, a repetition, a contradiction or a refusal")
    ),
    "events are what their messages say": vi("The event is what the notification says"),
    "a payment that was notified has one outcome": vi("Each notified payment has exactly one result"),
    "what was taken back has ended its payment, or is a case": (
        vi("What was taken back has ended the payment or has an exception")
    ),
    "every payment by notification was notified, with its amount and number": (
        vi("Each notified payment has its notification, with amount and transaction number")
    ),
    "what postmen have collected is what consignments were delivered for": (
        vi("Money collected by the post = cash on delivery of delivered consignments")
    ),
    "what was notified of a known payment is that payment, told once by each provider": (
        vi("A late notification belongs to a known payment, once from each notifier")
    ),
    # I5
    "a demand is the sum of its lines": vi("A demand = the sum of its lines"),
    "what is allocated to a demand is what was credited to it": (vi("Allocated to a demand = credited to it")),
    "what is allocated to a demand is owed to its departments by the book": (
        vi("Allocated to a demand = due to the agency on 331")
    ),
    "no more is allocated of a payment than it counts for": (vi("Used of a payment = what demands received from it")),
    # I6
    "112 is the payments that no statement has shown yet": vi("Balance of 112 = payments on no statement yet"),
    "behind every sum on 338, 339 and 341 there is an open case, and on its right side": (
        vi("Each balance on 338, 339, 341 has an open exception and is on the right side")
    ),
    "113 is the refunds that are approved and on no statement yet": (
        vi("Balance of 113 = approved refunds on no statement yet")
    ),
    "a refund stands as its last order does": vi("A refund has the status of its last payment order"),
    # I7
    "files are the bytes that came, and what was not accepted has posted nothing": (
        vi("A statement file is as it was received; one that is not accepted is not booked")
    ),
    "the statements of an account follow one another without a gap": (
        vi("The statements of each account follow one another without a break")
    ),
    "an account's last closing balance is its first opening balance and all that was booked": (
        vi("Last closing balance = first opening balance + all movements")
    ),
    # I8
    "every movement of 331 in a month that has tables is one line of its department's table": (
        vi("Each movement on 331 of a month with tables is a line of the agency's table")
    ),
    "the sums of a table are those of its lines, and what was signed says the same": (
        vi("Totals of a table = sums of its lines = what was signed")
    ),
    "what the Centre keeps of a month is what its tables say": (
        vi("What the Centre retains of the month = what the tables say")
    ),
    "a settlement whose money has gone was paid what it came to, but for what is disputed": (
        vi("A transferred table was paid what it says, less what is disputed")
    ),
    "331 of a department is what is in no table yet, in tables not paid yet, and disputed": (
        vi("Balance of 331 of an agency = not in tables + tables unpaid + disputed")
    ),
    # I9
    "every payment that was notified is in the book once, with its amount and its account": (
        vi("Each notified payment is booked once, with its amount and account")
    ),
    "what was taken back is taken back in the book": vi("What was taken back is reversed in the ledger"),
    "the second engine comes to the same balances": vi("The second engine finds the same balances"),
    "the second engine reads the same entries": vi("The second engine reads the same entries"),
    "the second engine finds the same demands in the lines": (
        vi("The second engine finds the same demands in the statement lines")
    ),
    "all that came, handled again from the beginning, ends where the hub stands": (
        vi("Handling all that was received anew gives the present result")
    ),
    # I10
    "the numbers of a series begin with 1 every year and none is missing": (
        vi("Receipt numbers of each series begin at 1 each year, without gaps")
    ),
    "the receipts of a demand that stand are what is allocated to it": (
        vi("Receipts in force of a demand = what is allocated to it")
    ),
    "what a receipt says is what was sealed and what its row says": (
        vi("A receipt is what was signed and what is stored")
    ),
}
"""Check.name → its label"""
_SUBJECTS: Final[Mapping[str, str]] = {
    "book": vi("the whole ledger"),
    "chargeback": vi("chargeback"),
    "checkpoint": vi("checkpoint"),
    "delivery": vi("notification"),
    "entry": vi("entry"),
    "event": vi("event"),
    "line": vi("statement line"),
    "match": vi("match"),
    "payment": vi("payment"),
    "refund": vi("refund"),
    "settlement": vi("table"),
}


def subject(what: str) -> str:
    """Name an offender: "entry 12" is "bút toán 12"; an id or an account stays as it is."""
    kind, space, number = what.partition(" ")
    return _SUBJECTS.get(kind, kind) + space + number
