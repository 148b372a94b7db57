"""I9, command by command: replay all that has happened to money from the beginning, and compare the end.

The replay writes into temporary tables, empty at first and dropped with the transaction. PostgreSQL searches them
before the hub's own, so that the hub's unchanged commands write there.
"""

from typing import Final

from psycopg import errors, sql

from hub.db import Connection
from hub.errors import HubError, NotConfigured
from hub.fees.proof import findings
from hub.fees.proof.findings import CheckOutcome, Invariant, Offender, ProofCode
from hub.fees.replay.steps import ReplayStep, UnknownStep, steps, take
from hub.locale import vi
from hub.unit_of_work import UnitOfWork

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
