"""Replay of persons' decisions: matches, exceptions, payment orders and what they pay, chargebacks.

A transaction is replayed by its leading line of the audit log; its other lines follow from that.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from hub.audit import AuditAction
from hub.clock import last_of
from hub.db import one
from hub.fees.ledger import Origin, Share, post, postings
from hub.fees.payouts import orders
from hub.fees.payouts.chargebacks import commands as chargebacks
from hub.fees.reconciliation.matching import commands as matches
from hub.fees.replay import translation
from hub.fees.resolutions import commands as resolution_commands
from hub.unit_of_work import UnitOfWork

NOTHING: Final = frozenset({"mended", "receipt_mended", "noted", "answered", "no_move"})
"""resolutions that post nothing, and that check what is not replayed"""

LEADS: Final = r"""
SELECT id, at, actor, action, subject, reason, details, rank FROM (
    SELECT id, at, actor, action, subject, reason, details,
        CASE WHEN subject LIKE 'ex\_%' THEN 1 WHEN subject LIKE 'po\_%' THEN 2 ELSE 3 END AS rank
    FROM public.audit_log j
    WHERE action IN ('exception_resolution_proposed', 'exception_proposal_withdrawn')
       OR action IN ('exception_resolved', 'exception_partly_resolved') AND details ->> 'resolution' IS NOT NULL
       OR action = 'exception_reopened' AND details ->> 'refund_id' IS NULL
       OR action IN ('payment_order_requested', 'payment_order_approved', 'payment_order_sent',
                   'payment_order_cancelled', 'payment_order_failed')
       OR action IN ('match_confirmation_proposed', 'match_confirmed', 'match_rejected', 'match_revocation_proposed',
                   'match_revoked')
       OR action IN ('chargeback_noticed', 'chargeback_answered', 'chargeback_won', 'chargeback_lost')
       OR action IN ('settlement_computed', 'settlement_withdrawn')
) AS noted
"""
"""Leading lines of the audit log. ``rank``: an exception may cause an order or a match, never the other way round."""

_REFUND: Final = """
INSERT INTO refund SELECT (jsonb_populate_record(NULL::refund, to_jsonb(r) || jsonb_build_object(
    'state', 'requested', 'item', %(item)s::text, 'booked_at', NULL, 'exception_ids', '[]'::jsonb))).*
FROM public.refund r WHERE r.id = %(id)s
"""
_ORDER: Final = """
INSERT INTO payment_order SELECT (jsonb_populate_record(NULL::payment_order, to_jsonb(o) || jsonb_build_object(
    'state', 'requested', 'checker', NULL, 'approved_at', NULL, 'sent_at', NULL, 'settled_at', NULL, 'line_id', NULL,
    'returned_line_id', NULL))).*
FROM public.payment_order o WHERE o.id = %s
"""
_TABLE: Final = """
INSERT INTO settlement SELECT (jsonb_populate_record(NULL::settlement, to_jsonb(s) || jsonb_build_object(
    'state', 'computed', 'answer', NULL, 'answer_id', NULL, 'answered_at', NULL, 'order_id', NULL,
    'transferred_at', NULL, 'disputed', 0))).*
FROM public.settlement s WHERE s.id = %s
"""
_ANSWERED: Final = """
UPDATE settlement s SET state = 'ordered', order_id = %(order)s, disputed = h.disputed, answer = h.answer,
    answer_id = h.answer_id, answered_at = h.answered_at
FROM public.settlement h WHERE h.id = s.id AND s.id = %(id)s
"""
_CHARGEBACK: Final = """
INSERT INTO chargeback SELECT (jsonb_populate_record(NULL::chargeback, to_jsonb(c) || jsonb_build_object(
    'state', 'noticed', 'payment_id', %(payment)s::text, 'settled_at', NULL, 'line_id', NULL))).*
FROM public.chargeback c WHERE c.id = %(id)s
"""
_FEES: Final = "SELECT fee_code, retained FROM public.settlement_fee WHERE settlement_id = %s ORDER BY fee_code"


class ReplayDecision(Protocol):
    """The part of hub.fees.replay.steps.ReplayStep that a decision needs."""

    @property
    def subject(self) -> str: ...

    @property
    def reason(self) -> str | None: ...

    @property
    def details(self) -> Mapping[str, Any]: ...


def _resolved(uow: UnitOfWork, step: ReplayDecision) -> None:
    decision = step.details
    if decision["resolution"] in NOTHING:
        return
    about, details = translation.exception(uow.conn, step.subject), translation.details(uow.conn, decision["details"])
    resolution_commands.resolve(uow, about, decision["resolution"], details, decision["reason"])


def _withdrawn(uow: UnitOfWork, step: ReplayDecision) -> None:
    if step.details["resolution"] not in NOTHING:
        resolution_commands.withdraw(uow, translation.exception(uow.conn, step.subject), "replayed")


def _reopened(uow: UnitOfWork, step: ReplayDecision) -> None:
    resolution_commands.reopen(uow, translation.exception(uow.conn, step.subject, over=True), "replayed")


def _of_match(command: Callable[[UnitOfWork, int, str], object]) -> Callable[[UnitOfWork, ReplayDecision], None]:
    def decided(uow: UnitOfWork, step: ReplayDecision) -> None:
        command(uow, translation.match(uow.conn, step.subject.removeprefix("match ")), step.reason or "replayed")

    return decided


def _requested(uow: UnitOfWork, step: ReplayDecision) -> None:
    """Copy the request with its ids and its reference, which are inputs; what follows from it is computed again."""
    order = one(uow.conn, "SELECT subject_id, purpose FROM public.payment_order WHERE id = %s", (step.subject,))
    subject = order["subject_id"]
    if order["purpose"] == "remittance":
        for table in ("settlement_item", "settlement_fee", "settlement_carry"):
            uow.conn.execute(
                f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM public.{table} WHERE settlement_id = %s"
                " ON CONFLICT DO NOTHING",
                (subject,),
            )
        uow.conn.execute(_ANSWERED, {"id": subject, "order": step.subject})
    elif uow.conn.execute("UPDATE refund SET state = 'requested' WHERE id = %s", (subject,)).rowcount == 0:
        item = one(uow.conn, "SELECT item FROM public.refund WHERE id = %s", (subject,))["item"]
        uow.conn.execute(_REFUND, {"id": subject, "item": translation.item(uow.conn, item)})
    uow.conn.execute(_ORDER, (step.subject,))


def _computed(uow: UnitOfWork, step: ReplayDecision) -> None:
    """Copy the signed table, and post again what the Centre retains of it."""
    uow.conn.execute(_TABLE, (step.subject,))
    _retained(uow, step.subject, 1, "retained")


def _table_withdrawn(uow: UnitOfWork, step: ReplayDecision) -> None:
    uow.conn.execute("UPDATE settlement SET state = 'withdrawn' WHERE id = %s", (step.subject,))
    _retained(uow, step.subject, -1, "retained_withdrawn")


def _retained(uow: UnitOfWork, settlement: str, sign: int, kind: str) -> None:
    row = one(uow.conn, "SELECT department, month FROM public.settlement WHERE id = %s", (settlement,))
    fees = uow.conn.execute(_FEES, (settlement,)).fetchall()
    shares = [Share(row["department"], fee["fee_code"], sign * fee["retained"]) for fee in fees if fee["retained"]]
    if shares:
        post(uow.conn, postings.retained(Origin("settlement", settlement, last_of(row["month"])), shares, kind))


def _charged_back(uow: UnitOfWork, step: ReplayDecision) -> None:
    row = one(uow.conn, "SELECT payment_id FROM public.chargeback WHERE id = %s", (step.subject,))
    payment = translation.payment(uow.conn, row["payment_id"])
    uow.conn.execute(_CHARGEBACK, {"id": step.subject, "payment": payment})


DECIDED: Final[Mapping[str, Callable[[UnitOfWork, ReplayDecision], object]]] = {
    AuditAction.EXCEPTION_RESOLUTION_PROPOSED: _resolved,
    AuditAction.EXCEPTION_RESOLVED: _resolved,
    AuditAction.EXCEPTION_PARTLY_RESOLVED: _resolved,
    AuditAction.EXCEPTION_PROPOSAL_WITHDRAWN: _withdrawn,
    AuditAction.EXCEPTION_REOPENED: _reopened,
    AuditAction.MATCH_CONFIRMATION_PROPOSED: _of_match(matches.confirm),
    AuditAction.MATCH_CONFIRMED: _of_match(matches.confirm),
    AuditAction.MATCH_REJECTED: _of_match(matches.reject),
    AuditAction.MATCH_REVOCATION_PROPOSED: _of_match(matches.revoke),
    AuditAction.MATCH_REVOKED: _of_match(matches.revoke),
    AuditAction.PAYMENT_ORDER_REQUESTED: _requested,
    AuditAction.PAYMENT_ORDER_APPROVED: lambda uow, step: orders.approve(uow, step.subject, "replayed"),
    AuditAction.PAYMENT_ORDER_SENT: lambda uow, step: orders.send(uow, step.subject),
    AuditAction.PAYMENT_ORDER_CANCELLED: lambda uow, step: orders.cancel(uow, step.subject, "replayed"),
    AuditAction.PAYMENT_ORDER_FAILED: lambda uow, step: orders.fail(uow, step.subject, "replayed"),
    AuditAction.SETTLEMENT_COMPUTED: _computed,
    AuditAction.SETTLEMENT_WITHDRAWN: _table_withdrawn,
    AuditAction.CHARGEBACK_NOTICED: _charged_back,
    AuditAction.CHARGEBACK_ANSWERED: lambda uow, step: chargebacks.answered(uow, step.subject, "replayed"),
    AuditAction.CHARGEBACK_WON: lambda uow, step: chargebacks.won(uow, step.subject, "replayed"),
    AuditAction.CHARGEBACK_LOST: lambda uow, step: chargebacks.lost(uow, step.subject, "replayed"),
}
"""action of a leading line → how it is replayed"""
