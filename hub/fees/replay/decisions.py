"""Replay of persons' decisions: matches, exceptions, payment orders and what they pay, chargebacks.

A transaction is replayed by its leading line of the audit log; its other lines follow from that.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from psycopg.types.json import Jsonb

from hub.audit import AuditAction
from hub.clock import last_of
from hub.db import Connection, one
from hub.fees.ledger import Origin, Share, post, postings
from hub.fees.payouts import chargebacks, orders
from hub.fees.reconciliation.matching import commands as matches
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
    """The part of hub.fees.replay.replaying.ReplayStep that a decision needs."""

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
    about, details = _replayed_exception(uow.conn, step.subject), _replayed_details(uow.conn, decision["details"])
    resolution_commands.resolve(uow, about, decision["resolution"], details, decision["reason"])


def _withdrawn(uow: UnitOfWork, step: ReplayDecision) -> None:
    if step.details["resolution"] not in NOTHING:
        resolution_commands.withdraw(uow, _replayed_exception(uow.conn, step.subject), "replayed")


def _reopened(uow: UnitOfWork, step: ReplayDecision) -> None:
    resolution_commands.reopen(uow, _replayed_exception(uow.conn, step.subject, over=True), "replayed")


def _of_match(command: Callable[[UnitOfWork, int, str], object]) -> Callable[[UnitOfWork, ReplayDecision], None]:
    def decided(uow: UnitOfWork, step: ReplayDecision) -> None:
        command(uow, _replayed_match(uow.conn, step.subject.removeprefix("match ")), step.reason or "replayed")

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
        uow.conn.execute(_REFUND, {"id": subject, "item": _replayed_item(uow.conn, item)})
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
    payment = _replayed_payment(uow.conn, row["payment_id"])
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


# The hub's ids, and those of the replayed rows, found by their natural keys: demands, orders, refunds, chargebacks and
# settlements keep their ids; payments, lines, matches and exceptions get others. pg_temp is searched first here, and
# ``public.`` is the hub's own table.

_PAYMENT: Final = """
SELECT p.id FROM payment p JOIN public.payment h USING (provider, provider_txn) WHERE h.id = %s
"""
_LINE: Final = """
SELECT l.id FROM statement_line l JOIN public.statement_line h USING (account, line_key) WHERE h.id = %s
"""
_MATCH: Final = """
SELECT g.id FROM match_group g JOIN match_leg t ON t.group_id = g.id AND t.number = 1
JOIN statement_line l ON l.id = t.line_id
JOIN public.statement_line hl USING (account, line_key)
JOIN public.match_leg ht ON ht.line_id = hl.id AND ht.number = 1 AND ht.demand_id IS NOT DISTINCT FROM t.demand_id
JOIN public.match_group h ON h.id = ht.group_id AND h.pass = g.pass
WHERE h.id = %s AND g.state IN ('proposed', 'confirmed') ORDER BY g.id DESC LIMIT 1
"""
_EXCEPTION: Final = """
SELECT id FROM fee_exception
WHERE (code, object_type, object_id) = (%(code)s, %(object_type)s, %(object_id)s) AND (state = 'resolved') = %(over)s
ORDER BY resolved_at DESC, id DESC LIMIT 1
"""
_EXCEPTION_ROW: Final = """
SELECT id, code, severity, at_risk, object_type, object_id, due_on, facts FROM public.fee_exception WHERE id = %s
"""
_AS_OPENED: Final = """
INSERT INTO fee_exception (id, code, severity, at_risk, object_type, object_id, state, due_on, facts)
VALUES (%(id)s, %(code)s, %(severity)s, %(at_risk)s, %(object_type)s, %(object_id)s, 'open', %(due_on)s, %(facts)s)
"""


def _replayed_payment(conn: Connection, name: str) -> str:
    """The replayed payment. Raises LookupError where it was not replayed, as all of these functions do."""
    return str(_translated(conn, _PAYMENT, name))


def _replayed_line(conn: Connection, name: str) -> str:
    return str(_translated(conn, _LINE, int(name)))


def _replayed_match(conn: Connection, name: str) -> int:
    """The replayed match of the same line and demand that is proposed or confirmed."""
    return int(_translated(conn, _MATCH, int(name)))


def _replayed_item(conn: Connection, name: str) -> str:
    """The replayed item of an account for open items: a payment, a line, or what keeps its id."""
    if name.startswith("pm_"):
        return _replayed_payment(conn, name)
    return _replayed_line(conn, name) if name.isdecimal() else name


def _replayed_exception(conn: Connection, name: str, *, over: bool = False) -> str:
    """The replayed exception of the same code about the same object, open or ``over``.

    One whose cause is not replayed (a dossier that ended, a bank's answer) is copied as it was opened.
    """
    row = one(conn, _EXCEPTION_ROW, (name,))
    about = row["object_id"]
    if row["object_type"] in ("payment", "statement_line"):
        about = _replayed_item(conn, about)
    key = {"code": row["code"], "object_type": row["object_type"], "object_id": about, "over": over}
    copy = conn.execute(_EXCEPTION, key).fetchone()
    if copy is None and not over:
        conn.execute(_AS_OPENED, {**row, "object_id": about, "facts": Jsonb(_facts(conn, row["facts"]))})
        return name
    if copy is None:
        raise LookupError(f"no exception {row['code']} of it is over")
    return str(copy["id"])


def _replayed_details(conn: Connection, recorded: Mapping[str, str]) -> dict[str, str]:
    """The details of a resolution, with replayed ids."""
    known: Mapping[str, Callable[[Connection, str], str | int]] = {
        "payment": _replayed_payment,
        "line": _replayed_line,
        "match": _replayed_match,
    }
    return {name: str(known[name](conn, value)) if name in known else value for name, value in recorded.items()}


def _facts(conn: Connection, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _replayed_item(conn, str(value)) if name in ("payment", "line") and value else value
            for name, value in facts.items()}  # fmt: skip


def _translated(conn: Connection, query: str, name: str | int) -> Any:
    row = conn.execute(query, (name,)).fetchone()
    if row is None:
        raise LookupError(f"{name} was not replayed")
    return row["id"]
