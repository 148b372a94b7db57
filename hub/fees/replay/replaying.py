"""I9, command by command: replay all that has happened to money from the beginning, and compare the end.

The steps are messages, files, and persons' decisions, in the order of the audit log: a line about a demand or a bank
was written there under its lock. The replay writes into temporary tables, empty at first and dropped with the
transaction. PostgreSQL searches them before the hub's own, so that the hub's unchanged commands write there.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from psycopg import errors, sql
from psycopg.rows import class_row

from hub.audit import AuditAction
from hub.db import Connection, one
from hub.errors import HubError, NotConfigured
from hub.events import ConsignmentDelivered
from hub.fees.closing import figures
from hub.fees.demands import demand_commands
from hub.fees.proof import findings
from hub.fees.proof.findings import CheckOutcome, Invariant, Offender, ProofCode
from hub.fees.reconciliation import cash, notifications
from hub.fees.reconciliation.matching import run
from hub.fees.reconciliation.statements import importing, store
from hub.fees.replay.decisions import DECIDED, LEADS
from hub.locale import vi
from hub.messages.model import Message
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix

_STEPS: Final = (
    r"WITH lead AS MATERIALIZED ("
    + LEADS
    + r"""
), decided AS (
    SELECT (SELECT min(j.id) FROM public.audit_log j WHERE j.at = l.at) AS place, l.* FROM lead l
    WHERE NOT EXISTS (SELECT 1 FROM lead o WHERE o.at = l.at AND o.rank < l.rank)
), told AS (  -- messages about payments; what one transaction notes has one time
    SELECT min(id) AS place, at, details ->> 'message_id' AS message, min(subject) AS payment FROM public.audit_log
    WHERE subject LIKE 'pm\_%' AND (details ->> 'message_id' IS NOT NULL OR action = 'payment_collected')
    GROUP BY at, details ->> 'message_id'
), counted AS (  -- what is noted under a demand's lock
    SELECT id, at, details ->> 'evidence' AS payment FROM public.audit_log
    WHERE subject LIKE 'fd\_%' AND action IN ('demand_credited', 'demand_not_credited', 'demand_credit_confirmed')
      AND at NOT IN (SELECT at FROM lead)
), matched AS (
    SELECT r.id AS run, min(c.id) AS place
    FROM public.recon_run r JOIN public.match_group g ON g.run_id = r.id JOIN public.match_leg l ON l.group_id = g.id
    JOIN counted c ON c.payment = l.payment_id AND c.at BETWEEN r.started_at - interval '1 minute' AND r.finished_at
    WHERE NOT EXISTS (SELECT 1 FROM told t WHERE (t.payment, t.at) = (c.payment, c.at)) GROUP BY r.id
), paid AS (  -- what is noted under an order's lock
    SELECT g.run_id AS run, min(j.id) AS place
    FROM public.match_group g JOIN public.match_leg l ON l.group_id = g.id
    JOIN public.audit_log j ON (j.details ->> 'line_id')::bigint = l.line_id
      AND j.action IN ('payment_order_confirmed', 'payment_order_returned')
    WHERE g.pass = 'PO' AND j.at NOT IN (SELECT at FROM lead) GROUP BY g.run_id
)
SELECT place, at, actor, action, subject, reason, details FROM (
    SELECT coalesce(min(c.id), t.place) AS place, i.settled_at AS at, i.source AS actor, i.kind AS action,
           i.id AS subject, NULL AS reason, '{}'::jsonb AS details
    FROM told t JOIN public.inbox i ON i.id = t.message LEFT JOIN counted c ON (c.payment, c.at) = (t.payment, t.at)
    WHERE i.kind IN ('bank.notification', 'bank.conflict') AND i.state = 'handled' GROUP BY t.place, i.id
    UNION ALL
    SELECT place, at, actor, action, subject, reason, details FROM decided
    UNION ALL
    SELECT id, at, actor, action, subject, reason, details FROM public.audit_log j
    WHERE (subject LIKE ANY (ARRAY['fd\_%', 'sf\_%']) AND action NOT IN ('exception_opened', 'demand_fee_exempted')
       OR action IN ('payout_report_imported', 'opening_balance_booked', 'payment_collected'))
      AND NOT EXISTS (SELECT 1 FROM decided d WHERE d.at = j.at)
    UNION ALL
    SELECT coalesce(least(m.place, p.place), (SELECT min(id) FROM public.audit_log WHERE at > r.finished_at),
                    9223372036854775807) - 0.5,
           r.started_at, r.actor, 'matched', r.account || ' ' || r.day, r.id::text, '{}'
    FROM public.recon_run r LEFT JOIN matched m ON m.run = r.id LEFT JOIN paid p ON p.run = r.id
) AS steps ORDER BY place, length(reason), reason
"""
)
"""The steps in order of ``place``, an id of the audit log. By its parts:

1. lead, decided: the leading line of each transaction in which a person decided; ``place`` is its first line.
2. told: messages about payments, by the lines of the payment that one message wrote.
3. counted: lines that were written under a demand's lock, outside such transactions.
4. matched, paid: matching runs, placed by what they credited (counted) or by the orders that they found paid.
5. The union: messages; decisions; other lines about demands, files, payouts; runs. A run that wrote nothing under a
   lock is put before whatever began after it.
"""

_DEMAND: Final = """
INSERT INTO fee_demand SELECT * FROM jsonb_populate_record(NULL::fee_demand, (
    SELECT to_jsonb(d) || jsonb_build_object('allocated', 0, 'confirmed', 0, 'waived', w.waived, 'version', 1,
               'status', CASE w.waived WHEN d.amount_due THEN 'waived' ELSE 'issued' END)
    FROM public.fee_demand d CROSS JOIN LATERAL (
        SELECT coalesce(sum(l.amount), 0) AS waived FROM public.fee_demand_line l
        WHERE l.demand_id = d.id AND l.fee_code IN (
            SELECT j.details ->> 'fee_code' FROM public.audit_log j
            WHERE j.subject = d.id AND j.action = 'demand_fee_exempted')) AS w
    WHERE d.id = %(id)s))
"""

_LINES: Final = """
INSERT INTO fee_demand_line SELECT (jsonb_populate_record(NULL::fee_demand_line, to_jsonb(l) ||
    CASE WHEN l.fee_code IN (SELECT j.details ->> 'fee_code' FROM public.audit_log j
                             WHERE j.subject = l.demand_id AND j.action = 'demand_fee_exempted')
         THEN '{}' ELSE '{"waived": 0, "exemption": null}' END::jsonb)).*
FROM public.fee_demand_line l WHERE l.demand_id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class ReplayStep:
    """A step. ``subject``: the id of a message, a demand or a file in the hub; ``at``: when it happened."""

    place: Decimal
    at: datetime
    actor: str
    action: str
    subject: str
    reason: str | None
    details: Mapping[str, Any]


class UnknownStep(LookupError):
    """The audit log has an action for which no replay is known."""


def steps(conn: Connection) -> Iterator[ReplayStep]:
    """All steps, in order."""
    with conn.cursor(row_factory=class_row(ReplayStep)) as cursor:
        yield from cursor.execute(_STEPS)


def take(uow: UnitOfWork, step: ReplayStep) -> None:
    """Replay the step in the tables that ``uow`` sees. Raises UnknownStep."""
    taken = TAKEN.get(step.action)
    if taken is None:
        raise UnknownStep(step.action)
    # Wake-ups would name rows that are dropped with these tables; clerks' rights may have changed since.
    taken(replace(uow, now=step.at, actor=step.actor, wakeups=[], replayed=True), step)


def _message(uow: UnitOfWork, step: ReplayStep) -> None:
    row = one(
        uow.conn,
        "SELECT id, source, kind, ordering_key, body, received_at, attempts AS claim_version, backoff_attempts"
        " FROM public.inbox WHERE id = %s",
        (step.subject,),
    )
    notifications.notified(uow, Message(**row))


def _demanded(uow: UnitOfWork, step: ReplayStep) -> None:
    uow.conn.execute(_DEMAND, {"id": step.subject})
    uow.conn.execute(_LINES, {"id": step.subject})


def _waived(uow: UnitOfWork, step: ReplayStep) -> None:
    demand_commands.waive(uow, step.subject, step.details["exemption"], "replayed")


def _expired(uow: UnitOfWork, step: ReplayStep) -> None:
    uow.conn.execute("UPDATE fee_demand SET expires_at = %s WHERE id = %s", (step.at, step.subject))
    demand_commands.expire(uow, step.subject)


def _brought(uow: UnitOfWork, step: ReplayStep) -> None:
    """Import the file as its last profile read it, and only then: what an earlier one could not read posted nothing."""
    file = store.original(uow.conn, step.subject)
    assert file is not None  # noqa: S101 - nothing of it is deleted
    bank = uow.catalogue.banks[file.bank]
    if not _is_read_later(uow, step) and not importing.can_be_read_anew(file, bank):
        importing.bring(uow, bank, file.name, file.body)


def _is_read_later(uow: UnitOfWork, step: ReplayStep) -> bool:
    query = (
        "SELECT EXISTS (SELECT 1 FROM public.audit_log WHERE subject = %s AND action = 'statement_file_reread'"
        " AND at > %s) AS found"
    )
    return bool(one(uow.conn, query, (step.subject, step.at))["found"])


def _rejected(uow: UnitOfWork, step: ReplayStep) -> None:
    file = store.original(uow.conn, step.subject)
    assert file is not None  # noqa: S101 - nothing of it is deleted
    if not _is_read_later(uow, step) and not importing.can_be_read_anew(file, uow.catalogue.banks[file.bank]):
        _decided("reject")(uow, step)


def _decided(verdict: importing.Verdict) -> Callable[[UnitOfWork, ReplayStep], None]:
    def decided(uow: UnitOfWork, step: ReplayStep) -> None:
        same = one(
            uow.conn,
            "SELECT f.id FROM statement_file f JOIN public.statement_file p ON p.sha256 = f.sha256 WHERE p.id = %s",
            (step.subject,),
        )
        importing.decide(uow, same["id"], verdict, step.reason or "replayed")

    return decided


def _matched(uow: UnitOfWork, step: ReplayStep) -> None:
    account, _, day = step.subject.rpartition(" ")
    run.run(uow, account, date.fromisoformat(day))


def _reported(uow: UnitOfWork, step: ReplayStep) -> None:
    for table in ("payout_report", "payout_item"):
        uow.conn.execute(
            f"INSERT INTO {table} SELECT * FROM public.{table} WHERE 'payout ' || provider || ' ' || report = %s",
            (step.subject,),
        )


def _virtual_account(uow: UnitOfWork, step: ReplayStep) -> None:
    uow.conn.execute(
        "INSERT INTO virtual_account SELECT * FROM public.virtual_account WHERE number = %s", (step.details["number"],)
    )


def _opened(uow: UnitOfWork, step: ReplayStep) -> None:
    day, amount = date.fromisoformat(step.details["day"]), int(step.details["amount"])
    figures.post_opening(uow, step.subject.removeprefix("close "), day, amount)


def _collected(uow: UnitOfWork, step: ReplayStep) -> None:
    consignment = str(step.details["consignment_id"])
    row = one(
        uow.conn,
        "SELECT p.paid_at, p.amount, i.dossier_id FROM public.payment p CROSS JOIN public.consignment_item i"
        " WHERE p.id = %s AND i.consignment_id = %s ORDER BY i.dossier_id LIMIT 1",
        (step.subject, consignment),
    )
    delivered = ConsignmentDelivered(row["dossier_id"], consignment, None, row["paid_at"], row["amount"])
    cash.collected(uow, delivered)


def _refunded(uow: UnitOfWork, step: ReplayStep) -> None:
    by = str(step.details["by"])
    if not by.startswith(f"{Prefix.REFUND}_"):  # what an order pays follows from the statement that shows it
        demand_commands.refunded(uow, step.subject, by=by)


def _follows(_: UnitOfWork, __: ReplayStep) -> None:
    """Nothing to do: another step has this effect."""


def _set_status(status: str) -> Callable[[UnitOfWork, ReplayStep], None]:
    def set_status(uow: UnitOfWork, step: ReplayStep) -> None:
        uow.conn.execute(
            "UPDATE fee_demand SET status = %s, version = version + 1 WHERE id = %s", (status, step.subject)
        )

    return set_status


TAKEN: Final[Mapping[str, Callable[[UnitOfWork, ReplayStep], object]]] = {
    AuditAction.DEMAND_SETTLED: _set_status("settled"),
    AuditAction.DEMAND_NOT_SETTLED: _set_status("paid"),
    "bank.notification": _message,
    "bank.conflict": _follows,
    AuditAction.DEMAND_ISSUED: _demanded,
    AuditAction.DEMAND_WAIVED: _waived,
    AuditAction.DEMAND_EXPIRED: _expired,
    AuditAction.DEMAND_RENEWED: lambda uow, step: demand_commands.renew(uow, step.subject, "replayed"),
    AuditAction.DEMAND_CANCELLED: lambda uow, step: demand_commands.cancel(uow, step.subject, "replayed"),
    AuditAction.DEMAND_REFUND_ORDERED: lambda uow, step: demand_commands.order_refund(uow, step.subject, "replayed"),
    AuditAction.DEMAND_REFUND_WITHDRAWN: lambda uow, step: demand_commands.keep(uow, step.subject, "replayed"),
    AuditAction.DEMAND_REFUNDED: _refunded,
    AuditAction.DEMAND_CREDITED: _follows,
    AuditAction.DEMAND_NOT_CREDITED: _follows,
    AuditAction.DEMAND_CREDIT_CONFIRMED: _follows,
    AuditAction.DEMAND_CREDIT_REVERSED: _follows,
    AuditAction.STATEMENT_FILE_IMPORTED: _brought,
    AuditAction.STATEMENT_FILE_REREAD: _brought,
    AuditAction.STATEMENT_FILE_ACCEPTED: _follows,
    AuditAction.STATEMENT_FILE_APPROVAL_PROPOSED: _decided("approve"),
    AuditAction.STATEMENT_FILE_APPROVED: _decided("approve"),
    AuditAction.STATEMENT_FILE_REJECTION_PROPOSED: _decided("reject"),
    AuditAction.STATEMENT_FILE_REJECTED: _rejected,
    AuditAction.PAYOUT_REPORT_IMPORTED: _reported,
    AuditAction.DEMAND_VIRTUAL_ACCOUNT_ASSIGNED: _virtual_account,
    "matched": _matched,
    AuditAction.OPENING_BALANCE_BOOKED: _opened,
    AuditAction.PAYMENT_COLLECTED: _collected,
    **DECIDED,
}
"""action of the audit log → how it is replayed"""


NAME: Final = "all that came, handled again from the beginning, ends where the hub stands"
COPIED: Final = (
    "fee_demand", "fee_demand_line", "fee_credit", "payment", "fee_exception", "audit_log", "ledger_entry",
    "ledger_line", "day_close", "month_close", "close_proposal", "statement_file", "statement", "statement_line",
    "recon_run", "match_clue", "payout_report", "payout_item", "match_group", "match_leg", "payment_order", "refund",
    "chargeback", "settlement", "settlement_fee", "settlement_item", "settlement_carry", "late_notification",
    "virtual_account",
)  # fmt: skip
"""tables that the replayed commands write"""
_MOST: Final = 100
_VIEWS: Final = """
SELECT relname AS name, replace(pg_get_viewdef(oid), 'public.', '') AS made FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'v' ORDER BY oid
"""
"""views that the commands read, each behind those that it reads itself"""
_TRIGGERS: Final = """
SELECT replace(pg_get_triggerdef(t.oid), ' ON public.', ' ON pg_temp.') AS made
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY(%s) AND NOT t.tgisinternal AND t.tgconstraint = 0
  AND t.tgname <> 'ledger_entry_is_numbered' ORDER BY t.tgname
"""
"""triggers of the tables, without those that run at a commit: there is none"""
_NUMBERED: Final = """
CREATE FUNCTION pg_temp.number_replayed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.seq := COALESCE((SELECT max(seq) FROM ledger_entry), 0) + 1;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_entry_is_numbered BEFORE INSERT ON pg_temp.ledger_entry
    FOR EACH ROW EXECUTE FUNCTION pg_temp.number_replayed()
"""
"""the numbering of ledger entries without its lock: nobody else writes into these tables"""


def replayed(uow: UnitOfWork) -> CheckOutcome:
    """Replay every step and compare the result with the present tables.

    1. Read the present state as comparable lines, and the steps from the audit log, the inbox and the runs.
    2. Create the temporary tables with their views and triggers.
    3. Take every step again, in order; one that fails is an offender and the others go on.
    4. Read the state again, and report each line that is in one of the two only.

    Raises NotConfigured for a role that may not make temporary tables (the owner may).
    """
    with uow.savepoint(force_rollback=True):
        # 1.
        before = set(findings.lines(uow.conn))
        taken = list(steps(uow.conn))
        # 2.
        _copy(uow.conn)
        # 3.
        failed = [offender for step in taken if (offender := _again(uow, step)) is not None]
        # 4.
        after = set(findings.lines(uow.conn))
    offenders = [
        *failed,
        *(Offender(line, vi("in the present ledger, not when made anew")) for line in sorted(before - after)),
        *(Offender(line, vi("when made anew, not in the present ledger")) for line in sorted(after - before)),
    ]
    return CheckOutcome(Invariant.I9, NAME, ProofCode.REPLAY, offenders[:_MOST], len(offenders))


def _copy(conn: Connection) -> None:
    try:
        for table in (*COPIED, "dossier"):
            named = sql.Identifier(table)
            conn.execute(
                sql.SQL("CREATE TEMPORARY TABLE {} (LIKE public.{} INCLUDING ALL) ON COMMIT DROP").format(named, named)
            )
    except errors.InsufficientPrivilege as error:
        raise NotConfigured("the replay makes temporary tables: run it as the owner of the tables") from error
    # A plan that was made before these tables were there would go on with the hub's: a new path makes plans anew.
    conn.execute("SET LOCAL search_path = pg_temp, public")
    # Commands lock a demand's dossier; these copies they may lock without blocking anybody.
    conn.execute("INSERT INTO pg_temp.dossier SELECT * FROM public.dossier")
    for row in conn.execute(_VIEWS).fetchall():
        conn.execute(sql.SQL("CREATE TEMPORARY VIEW {} AS ").format(sql.Identifier(row["name"])) + sql.SQL(row["made"]))
    for row in conn.execute(_TRIGGERS, (list(COPIED),)).fetchall():
        conn.execute(sql.SQL(row["made"]))
    conn.execute(_NUMBERED)


def _again(uow: UnitOfWork, step: ReplayStep) -> Offender | None:
    try:
        with uow.savepoint():
            take(uow, step)
    except UnknownStep:
        return Offender(step.subject, vi("there is no way to redo {action!r}", action=vi(step.action)))
    except errors.IntegrityError as error:
        reason = error.diag.message_primary or type(error).__name__
        return Offender(
            step.subject,
            vi(
                "{action} at {at:%Y-%m-%d %H:%M:%S} is refused: {reason}",
                action=vi(step.action),
                at=step.at,
                reason=reason,
            ),
        )
    except (HubError, LookupError) as error:
        return Offender(
            step.subject,
            vi(
                "{action} at {at:%Y-%m-%d %H:%M:%S} cannot be redone: {error}",
                action=vi(step.action),
                at=step.at,
                error=error,
            ),
        )
    return None
