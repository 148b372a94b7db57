"""Audit log: who did what to what, and why. Append-only, enforced by the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from psycopg.types.json import Jsonb

from hub.db import Connection, as_set
from hub.locale import msgid


class AuditAction(StrEnum):
    """What was done, by the kind of thing it was done to. The value is also the msgid of its Vietnamese label."""

    # Inbox messages
    MESSAGE_RECEIVED = msgid("message_received")
    MESSAGE_DEAD_LETTERED = msgid("message_dead_lettered")
    MESSAGE_REQUEUED = msgid("message_requeued")
    MESSAGE_REFUSED = msgid("message_refused")
    MESSAGE_READ_AGAIN = msgid("message_read_again")
    MESSAGE_TAKEN_AS_NEW = msgid("message_taken_as_new")

    # Transfers
    TRANSFER_QUEUED = msgid("transfer_queued")
    TRANSFER_ATTEMPTED = msgid("transfer_attempted")
    TRANSFER_QUERIED = msgid("transfer_queried")
    TRANSFER_REPLAYED = msgid("transfer_replayed")
    TRANSFER_PARKED = msgid("transfer_parked")
    TRANSFER_UNPARKED = msgid("transfer_unparked")
    TRANSFER_CANCELLED = msgid("transfer_cancelled")

    # Counterparties
    COUNTERPARTY_PAUSED = msgid("counterparty_paused")
    COUNTERPARTY_RESUMED = msgid("counterparty_resumed")

    # Dossiers
    DOSSIER_OPENED = msgid("dossier_opened")
    DOSSIER_STATUS_CHANGED = msgid("dossier_status_changed")
    DOSSIER_STATUS_INFERRED = msgid("dossier_status_inferred")
    DOSSIER_REPORT_REPEATED = msgid("dossier_report_repeated")
    DOSSIER_REPORT_LATE = msgid("dossier_report_late")
    DOSSIER_RELEASED = msgid("dossier_released")
    DOSSIER_NOT_RELEASED = msgid("dossier_not_released")
    DOSSIER_UNPAID_AFTER_RELEASE = msgid("dossier_unpaid_after_release")
    DOSSIER_ENDED = msgid("dossier_ended")
    DOSSIER_CONSIGNMENT_NOT_ORDERED = msgid("dossier_consignment_not_ordered")
    DOSSIER_HANDBACK_RECORD_NOT_CHECKED = msgid("dossier_handback_record_not_checked")
    PORTAL_NOTIFIED = msgid("portal_notified")
    PORTAL_NOTICE_REFUSED = msgid("portal_notice_refused")

    # Handoffs
    HANDOFF_PREPARED = msgid("handoff_prepared")
    HANDOFF_EXPORTED_FOR_SIGNING = msgid("handoff_exported_for_signing")
    HANDOFF_SIGNED = msgid("handoff_signed")
    HANDOFF_RENEWED = msgid("handoff_renewed")
    HANDOFF_ANSWERED = msgid("handoff_answered")
    HANDOFF_COUNTER_RECORD_NOT_CHECKED = msgid("handoff_counter_record_not_checked")
    HANDOFF_PAPERS_DELIVERED = msgid("handoff_papers_delivered")
    HANDOFF_MINUTE_ENTERED = msgid("handoff_minute_entered")
    HANDOFF_COMPLETED = msgid("handoff_completed")
    HANDBACK_RECEIVED = msgid("handback_received")

    # Signed log
    CHECKPOINT_STAMPED = msgid("checkpoint_stamped")
    CHECKPOINT_NOT_STAMPED = msgid("checkpoint_not_stamped")
    CHECKPOINT_WITNESSED = msgid("checkpoint_witnessed")
    CHECKPOINT_WITNESS_REFUSED = msgid("checkpoint_witness_refused")

    # Consignments
    CONSIGNMENT_ORDERED = msgid("consignment_ordered")
    CONSIGNMENT_STATUS_CHANGED = msgid("consignment_status_changed")
    CONSIGNMENT_CANCELLATION_REQUESTED = msgid("consignment_cancellation_requested")
    CONSIGNMENT_CANCELLATION_REFUSED = msgid("consignment_cancellation_refused")
    CONSIGNMENT_ITEM_CODE_CHANGED = msgid("consignment_item_code_changed")
    CONSIGNMENT_EVENT_REPEATED = msgid("consignment_event_repeated")
    CONSIGNMENT_EVENT_LATE = msgid("consignment_event_late")
    CONSIGNMENT_EVENT_CONFLICT = msgid("consignment_event_conflict")
    CONSIGNMENT_LOSS_RECORDED = msgid("consignment_loss_recorded")
    CONSIGNMENT_DAMAGE_RECORDED = msgid("consignment_damage_recorded")
    CONSIGNMENT_ITEM_CODES_ADDED = msgid("consignment_item_codes_added")
    COMPLAINT_FILED = msgid("complaint_filed")
    COMPLAINT_RESOLVED = msgid("complaint_resolved")
    ATTENTION_RAISED = msgid("attention_raised")
    ATTENTION_CLEARED = msgid("attention_cleared")
    ATTENTION_DISMISSED = msgid("attention_dismissed")

    # Fee demands
    DEMAND_ISSUED = msgid("demand_issued")
    DEMAND_FEE_EXEMPTED = msgid("demand_fee_exempted")
    DEMAND_WAIVED = msgid("demand_waived")
    DEMAND_REST_WAIVED = msgid("demand_rest_waived")
    DEMAND_CREDITED = msgid("demand_credited")
    DEMAND_NOT_CREDITED = msgid("demand_not_credited")
    DEMAND_CREDIT_CONFIRMED = msgid("demand_credit_confirmed")
    DEMAND_CREDIT_REVERSED = msgid("demand_credit_reversed")
    DEMAND_EXPIRED = msgid("demand_expired")
    DEMAND_RENEWED = msgid("demand_renewed")
    DEMAND_CANCELLED = msgid("demand_cancelled")
    DEMAND_REFUND_ORDERED = msgid("demand_refund_ordered")
    DEMAND_REFUND_WITHDRAWN = msgid("demand_refund_withdrawn")
    DEMAND_REFUNDED = msgid("demand_refunded")
    DEMAND_FEE_KEPT = msgid("demand_fee_kept")
    DEMAND_SETTLED = msgid("demand_settled")
    DEMAND_NOT_SETTLED = msgid("demand_not_settled")
    DEMAND_VIRTUAL_ACCOUNT_ASSIGNED = msgid("demand_virtual_account_assigned")

    # Payments
    PAYMENT_NOTIFIED = msgid("payment_notified")
    PAYMENT_NOTIFIED_AGAIN = msgid("payment_notified_again")
    PAYMENT_NOTIFIED_LATE = msgid("payment_notified_late")
    PAYMENT_AWAITS_STATEMENT = msgid("payment_awaits_statement")
    PAYMENT_FAILED_AT_PROVIDER = msgid("payment_failed_at_provider")
    PAYMENT_COLLECTED = msgid("payment_collected")
    PAYMENT_COLLECTION_NOT_BOOKED = msgid("payment_collection_not_booked")
    PAYMENT_OVERDUE = msgid("payment_overdue")
    PAYMENT_CONFIRMED_BY_CLERK = msgid("payment_confirmed_by_clerk")
    PAYMENT_VOIDED = msgid("payment_voided")
    PAYMENT_REVERSED = msgid("payment_reversed")
    PAYMENT_REFUNDED = msgid("payment_refunded")
    PAYMENT_CHARGED_BACK = msgid("payment_charged_back")

    # Bank statements, payout reports
    STATEMENT_FILE_IMPORTED = msgid("statement_file_imported")
    STATEMENT_FILE_REREAD = msgid("statement_file_reread")
    STATEMENT_FILE_ACCEPTED = msgid("statement_file_accepted")
    STATEMENT_FILE_APPROVAL_PROPOSED = msgid("statement_file_approval_proposed")
    STATEMENT_FILE_APPROVED = msgid("statement_file_approved")
    STATEMENT_FILE_REJECTION_PROPOSED = msgid("statement_file_rejection_proposed")
    STATEMENT_FILE_REJECTED = msgid("statement_file_rejected")
    PAYOUT_REPORT_IMPORTED = msgid("payout_report_imported")

    # Matches
    MATCH_CONFIRMATION_PROPOSED = msgid("match_confirmation_proposed")
    MATCH_CONFIRMED = msgid("match_confirmed")
    MATCH_REJECTED = msgid("match_rejected")
    MATCH_REVOCATION_PROPOSED = msgid("match_revocation_proposed")
    MATCH_REVOKED = msgid("match_revoked")

    # Exceptions
    EXCEPTION_OPENED = msgid("exception_opened")
    EXCEPTION_REPORTED = msgid("exception_reported")
    EXCEPTION_ASSIGNED = msgid("exception_assigned")
    EXCEPTION_CARRIED_OVER = msgid("exception_carried_over")
    EXCEPTION_RESOLUTION_PROPOSED = msgid("exception_resolution_proposed")
    EXCEPTION_PROPOSAL_WITHDRAWN = msgid("exception_proposal_withdrawn")
    EXCEPTION_RESOLVED = msgid("exception_resolved")
    EXCEPTION_PARTLY_RESOLVED = msgid("exception_partly_resolved")
    EXCEPTION_EXPLAINED = msgid("exception_explained")
    EXCEPTION_REOPENED = msgid("exception_reopened")

    # Payment orders
    PAYMENT_ORDER_REQUESTED = msgid("payment_order_requested")
    PAYMENT_ORDER_APPROVED = msgid("payment_order_approved")
    PAYMENT_ORDER_SENT = msgid("payment_order_sent")
    PAYMENT_ORDER_FILE_RECREATED = msgid("payment_order_file_recreated")
    PAYMENT_ORDER_CONFIRMED = msgid("payment_order_confirmed")
    PAYMENT_ORDER_RETURNED = msgid("payment_order_returned")
    PAYMENT_ORDER_FAILED = msgid("payment_order_failed")
    PAYMENT_ORDER_CANCELLED = msgid("payment_order_cancelled")

    # Refunds
    REFUND_REQUESTED = msgid("refund_requested")
    REFUND_APPROVED = msgid("refund_approved")
    REFUND_SENT = msgid("refund_sent")
    REFUND_CONFIRMED = msgid("refund_confirmed")
    REFUND_FAILED = msgid("refund_failed")
    REFUND_CANCELLED = msgid("refund_cancelled")

    # Chargebacks
    CHARGEBACK_NOTICED = msgid("chargeback_noticed")
    CHARGEBACK_ANSWERED = msgid("chargeback_answered")
    CHARGEBACK_WON = msgid("chargeback_won")
    CHARGEBACK_LOST = msgid("chargeback_lost")
    CHARGEBACK_DEBITED = msgid("chargeback_debited")

    # Receipts
    RECEIPT_ISSUED = msgid("receipt_issued")
    RECEIPT_PUBLISHED = msgid("receipt_published")
    RECEIPT_NOT_PUBLISHED = msgid("receipt_not_published")
    RECEIPT_VOID_PROPOSED = msgid("receipt_void_proposed")
    RECEIPT_VOIDED = msgid("receipt_voided")
    RECEIPT_VOID_PUBLISHED = msgid("receipt_void_published")
    RECEIPT_VOID_NOT_PUBLISHED = msgid("receipt_void_not_published")
    RECEIPT_POLICY_CHANGED = msgid("receipt_policy_changed")

    # Settlements with departments
    SETTLEMENT_COMPUTED = msgid("settlement_computed")
    SETTLEMENT_WITHDRAWN = msgid("settlement_withdrawn")
    SETTLEMENT_SENT = msgid("settlement_sent")
    SETTLEMENT_DELIVERED = msgid("settlement_delivered")
    SETTLEMENT_NOT_RECEIVED = msgid("settlement_not_received")
    SETTLEMENT_RECEIPT_MISMATCHED = msgid("settlement_receipt_mismatched")
    SETTLEMENT_OPENED = msgid("settlement_opened")
    SETTLEMENT_CONFIRMED = msgid("settlement_confirmed")
    SETTLEMENT_DISPUTED = msgid("settlement_disputed")
    SETTLEMENT_CARRIED_OVER = msgid("settlement_carried_over")
    SETTLEMENT_TRANSFER_ORDERED = msgid("settlement_transfer_ordered")
    SETTLEMENT_TRANSFERRED = msgid("settlement_transferred")
    SETTLEMENT_TRANSFER_RETURNED = msgid("settlement_transfer_returned")
    SETTLEMENT_ORDER_CANCELLED = msgid("settlement_order_cancelled")
    SETTLEMENT_ORDER_FAILED = msgid("settlement_order_failed")
    SETTLEMENT_PAPERS_HANDED_OVER = msgid("settlement_papers_handed_over")
    SETTLEMENT_CLOSED = msgid("settlement_closed")

    # Closing
    PERIOD_CLOSE_PROPOSED = msgid("period_close_proposed")
    PERIOD_CLOSE_OUTDATED = msgid("period_close_outdated")
    PERIOD_CLOSED = msgid("period_closed")
    PERIOD_REOPEN_PROPOSED = msgid("period_reopen_proposed")
    PERIOD_REOPENED = msgid("period_reopened")
    PERIOD_SETTLEMENTS_COMPUTED = msgid("period_settlements_computed")
    OPENING_BALANCE_BOOKED = msgid("opening_balance_booked")


_INSERT_ALL: Final = """
INSERT INTO audit_log (subject, actor, action, before, after, reason, details)
SELECT subject, actor, action, before, after, reason, details
FROM ROWS FROM (json_to_recordset(%s)
    AS (subject text, actor text, action text, before text, after text, reason text, details jsonb))
    WITH ORDINALITY AS entry (subject, actor, action, before, after, reason, details, at)
ORDER BY at
"""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A line of the audit log."""

    subject: str
    actor: str
    """a person's account, a counterparty, or "hub" """
    action: AuditAction
    before: str | None = None
    after: str | None = None
    reason: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def write(
    conn: Connection,
    subject: str,
    actor: str,
    action: AuditAction,
    *,
    before: str | None = None,
    after: str | None = None,
    reason: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write a line about ``subject`` (one of our ids). ``actor`` is a person's account, a counterparty, or "hub".

    ``before``, ``after`` and ``reason`` are for people; what a program reads (the replay) is in ``details``, by key.
    """
    conn.execute(
        "INSERT INTO audit_log (subject, actor, action, before, after, reason, details)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (subject, actor, action, before, after, reason, Jsonb(dict(details or {}))),
    )


def write_from_endpoint(conn: Connection, subject: str, action: AuditAction) -> None:
    """Write the one line that the API's role may write (SETTLEMENT_OPENED); the database fills in the actor."""
    conn.execute("SELECT write_audit_from_endpoint(%s, %s)", (subject, action))


def write_all(conn: Connection, entries: Sequence[AuditEntry]) -> None:
    """Write many lines in one statement, in their order."""
    if entries:
        rows = [
            {
                "subject": entry.subject,
                "actor": entry.actor,
                "action": entry.action,
                "before": entry.before,
                "after": entry.after,
                "reason": entry.reason,
                "details": dict(entry.details),
            }
            for entry in entries
        ]
        conn.execute(_INSERT_ALL, (as_set(rows),))
