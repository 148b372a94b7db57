"""Codes of the hub: why a message or transfer is retried, waits for a person, or was refused.

The codes of what went wrong at a counterparty are connectors.errors.ConnectorCode.
"""

from schemas.explained import Explained


class HubCode(Explained):
    """A stable code in rows, logs and docs/reference/errors.md; ``en`` and ``vi`` say what it means and what to do."""

    NOT_THERE = ("NOT_THERE", "The counterparty was asked and does not have it: replaying is safe.")
    OUTCOME_UNKNOWN = (
        "OUTCOME_UNKNOWN",
        "It may have arrived, and this counterparty cannot be asked. Ask its people, then replay or cancel.",
    )
    LEASE_EXPIRED = (
        "LEASE_EXPIRED",
        "The process that was sending it died or stalled. The outcome is unknown; the counterparty is asked next.",
    )
    PROCESS_DIED = (
        "PROCESS_DIED",
        "The process that had it crashed twice in a row, or stalled in sending. See the worker's log and memory first.",
    )
    DATABASE_BUSY = (
        "DATABASE_BUSY",
        "Other transactions held the rows that this one needed, several times in a row. It is retried automatically.",
    )
    HUB_FAILED = (
        "HUB_FAILED",
        (
            "Internal error while sending (see the worker log). The outcome is unknown; the hub asks the counterparty "
            "before it sends again."
        ),
    )
    REPLY_FAILED = (
        "REPLY_FAILED",
        "Internal error while processing the counterparty's answer (see the worker log). Fix it, then check.",
    )
    HANDLER_FAILED = (
        "HANDLER_FAILED",
        "Internal error while handling the message (see the worker log). Fix it, then requeue.",
    )
    PROCEDURE_UNKNOWN = (
        "PROCEDURE_UNKNOWN",
        "The procedure left the catalogue after the submission was accepted. Restore it, then requeue.",
    )
    DOSSIER_CODE_TAKEN = (
        "DOSSIER_CODE_TAKEN",
        "Another dossier has the code that the portal issued for this one: the submission is refused, the portal told.",
    )
    REFUSED = ("REFUSED", "A person has refused the message (hub inbox refuse); the audit log says who and why.")
    STATUS_UNKNOWN = (
        "STATUS_UNKNOWN",
        "A department or operator reports a code that is not in its [status] table. Ask, add it, then requeue.",
    )
    MATCHING_BUSY = (
        "MATCHING_BUSY",
        "Another process is matching this account's lines at this moment. It is retried automatically.",
    )
    DOSSIER_UNKNOWN = (
        "DOSSIER_UNKNOWN",
        "The department reports on a dossier that it was never handed. It waits in case the dossier is on its way.",
    )
    ANSWER_REFUSED = (
        "ANSWER_REFUSED",
        "A department's answer to a month's table is not valid: another table, lines that it has not, or too late.",
    )
    CONSIGNMENT_UNKNOWN = (
        "CONSIGNMENT_UNKNOWN",
        "The operator reports on a consignment that was never ordered here. Ask whose it is.",
    )
    ENTRY_UNREADABLE = (
        "ENTRY_UNREADABLE",
        "An entry of a feed cannot be read; the feed went on. Ask what it says; requeue reads it again, or refuse it.",
    )
    REPORT_CONFLICT = (
        "REPORT_CONFLICT",
        "A report id was used again with other content; the first counts. Ask; requeue takes both, or refuse it.",
    )
    DATED_AHEAD = (
        "DATED_AHEAD",
        "Dated later than its arrival, by more than clocks may differ. Ask; requeue dates it at arrival, or refuse it.",
    )
    REPORT_LATE = (
        "REPORT_LATE",
        "A result or an end is reported for an earlier time than the status. Ask; requeue to apply it, or refuse.",
    )
    PAYMENT_UNKNOWN = (
        "PAYMENT_UNKNOWN",
        "A refund or reversal of a payment not notified yet; it waits half an hour for it, then is an exception.",
    )
    REPORT_EARLY = (
        "REPORT_EARLY",
        "The report came before one that has to precede it; it waits for that, at most the department's patience.",
    )
    MOVE_REFUSED = (
        "MOVE_REFUSED",
        "The reported status is not a valid transition from the current status. Ask the department.",
    )
    OFFICER_MAY_NOT_SIGN = (
        "OFFICER_MAY_NOT_SIGN",
        "The officer is off the roster that day, has another role, or serves another department: see officers.toml.",
    )
    KEY_UNAVAILABLE = (
        "KEY_UNAVAILABLE",
        "A signing key is missing, locked or expired, so nothing is signed. Fix it (hub keys check), then requeue.",
    )
    CERTIFICATE_REFUSED = (
        "CERTIFICATE_REFUSED",
        "The signer's certificate is revoked, expired, not bound to the officer, or of an unknown authority.",
    )
    REVOCATION_UNKNOWN = (
        "REVOCATION_UNKNOWN",
        "There is no fresh revocation list of the signer's CA, so nothing is signed until it has been fetched.",
    )
    RECEIPT_UNSIGNED = (
        "RECEIPT_UNSIGNED",
        "The department has the dossier, and its receipt lacks the counter-record that it signs. Ask it, then check.",
    )
    RECEIPT_UNREADABLE = (
        "RECEIPT_UNREADABLE",
        "A department's signed record is not the canonical JSON of the contract. Ask the department, then check.",
    )
    RECEIPT_OF_ANOTHER = (
        "RECEIPT_OF_ANOTHER",
        "A department's signed record is about another handoff, or in another's name. Ask the department, then check.",
    )
    RECEIPT_REFUSED = (
        "RECEIPT_REFUSED",
        "A department's signature is not valid: forged, revoked, expired, or not by its certificate. Ask, then check.",
    )
    STAMP_UNTRUE = (
        "STAMP_UNTRUE",
        "The time-stamping authority's answer is not a valid stamp of the request: not stored. Ask it, then replay.",
    )
    STAMP_UNDECIDED = (
        "STAMP_UNDECIDED",
        "The stamp cannot be verified yet: its authority's CA has no fresh revocation list. It is requested again.",
    )
    WITNESS_UNTRUE = (
        "WITNESS_UNTRUE",
        "The department's receipt for a checkpoint is about another one, or is not signed by it. Ask the department.",
    )
    WITNESS_UNDECIDED = (
        "WITNESS_UNDECIDED",
        "The department's counter-signature on a checkpoint cannot be verified yet (revocation list); requested again.",
    )
