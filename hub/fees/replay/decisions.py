"""Replay of persons' decisions: matches, exceptions, payment orders and what they pay, chargebacks.

A transaction is replayed by its leading line of the audit log; its other lines follow from that.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

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
SELECT id, at, actor, verb, subject, reason, details, rank FROM (
    SELECT id, at, actor, verb, subject, reason, details,
        CASE WHEN subject LIKE 'ex\_%' THEN 1 WHEN subject LIKE 'po\_%' THEN 2 ELSE 3 END AS rank
    FROM public.audit_log j
    WHERE (subject LIKE 'ex\_%' AND (verb IN ('proposed', 'withdrawn')
               OR verb IN ('resolved', 'partly resolved') AND details ->> 'resolution' IS NOT NULL
               OR verb = 'reopened' AND details ->> 'refund_id' IS NULL))
       OR (subject LIKE 'po\_%' AND verb IN ('order requested', 'order approved', 'order sent', 'order cancelled',
                                             'order failed'))
       OR (subject LIKE 'match %' AND verb IN ('confirmation proposed', 'confirmed', 'rejected', 'revocation proposed',
                                               'revoked'))
       OR verb IN ('chargeback noticed', 'chargeback evidence', 'chargeback won', 'chargeback lost')
       OR (subject LIKE 'sm\_%' AND verb IN ('computed', 'withdrawn'))
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
    "ex proposed": _resolved,
    "ex resolved": _resolved,
    "ex partly resolved": _resolved,
    "ex withdrawn": _withdrawn,
    "ex reopened": _reopened,
    "match confirmation proposed": _of_match(matches.confirm),
    "match confirmed": _of_match(matches.confirm),
    "match rejected": _of_match(matches.reject),
    "match revocation proposed": _of_match(matches.revoke),
    "match revoked": _of_match(matches.revoke),
    "order requested": _requested,
    "order approved": lambda uow, step: orders.approve(uow, step.subject, "replayed"),
    "order sent": lambda uow, step: orders.send(uow, step.subject),
    "order cancelled": lambda uow, step: orders.cancel(uow, step.subject, "replayed"),
    "order failed": lambda uow, step: orders.fail(uow, step.subject, "replayed"),
    "sm computed": _computed,
    "sm withdrawn": _table_withdrawn,
    "chargeback noticed": _charged_back,
    "chargeback evidence": lambda uow, step: chargebacks.answered(uow, step.subject, "replayed"),
    "chargeback won": lambda uow, step: chargebacks.won(uow, step.subject, "replayed"),
    "chargeback lost": lambda uow, step: chargebacks.lost(uow, step.subject, "replayed"),
}
"""kind of subject and action of a leading line → how it is replayed"""
