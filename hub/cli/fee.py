"""hub fee: the group of all fee commands, and the proof of the ledger."""

from typing import TYPE_CHECKING, Annotated, Any, Final

from typer import Option, Typer

from hub.cli import (
    environment,
    fee_answer,
    fee_close,
    fee_demands,
    fee_exceptions,
    fee_match,
    fee_payouts,
    fee_receipts,
    fee_settlements,
    fee_statements,
    output,
)
from hub.cli.exits import ExitCode, leave
from hub.cli.output import AsJson, TableColumn
from hub.cli.writing import WriteCommand
from hub.fees.proof import findings
from hub.locale import vi

if TYPE_CHECKING:
    from hub.fees.proof.findings import CheckOutcome, ProofReport

app: Final = Typer(help="Fees (phí, lệ phí): demands, bank statements, matching, proof.", no_args_is_help=True)

app.registered_commands += fee_demands.app.registered_commands
app.command("import", cls=WriteCommand)(fee_statements.import_)
app.add_typer(fee_statements.app, name="statements")
app.add_typer(fee_statements.profiles_app, name="profile")
app.add_typer(fee_match.app, name="match")
app.add_typer(fee_match.virtual_accounts, name="virtual-accounts")
app.add_typer(fee_exceptions.app, name="exceptions")
app.registered_commands += fee_exceptions.resolve_app.registered_commands
app.add_typer(fee_payouts.app, name="orders")
app.add_typer(fee_payouts.chargebacks_app, name="chargebacks")
app.registered_commands += fee_payouts.refunds_app.registered_commands
app.registered_commands += fee_close.app.registered_commands
app.registered_commands += fee_settlements.app.registered_commands
app.registered_commands += fee_answer.app.registered_commands
app.add_typer(fee_receipts.app, name="receipts")


_CHECKS: Final = (
    TableColumn("green", "", lambda green: "✔" if green else "✗"),
    TableColumn("invariant", vi("Code")),
    TableColumn("label", vi("Check")),
    TableColumn("count", vi("Number of offenders")),
)
_OFFENDERS: Final = (
    TableColumn("invariant", vi("Code")),
    TableColumn("what", vi("Where"), findings.subject),
    TableColumn("how", vi("How it is wrong")),
)


@app.command()
def prove(
    second_engine: Annotated[
        bool, Option("--second-engine", help="Compute the balances a second time in DuckDB, and compare.")
    ] = False,
    replay: Annotated[
        bool, Option("--replay", help="Replay all messages from the beginning on a copy, and compare.")
    ] = False,
    keep: Annotated[
        bool, Option("--keep", help="Store today's nightly run now if there is none: closing requires it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Prove the invariants of the ledger (I1–I10) from its rows. Exit 3 if one does not hold."""
    from hub.fees.proof import proving
    from hub.fees.replay import duckdb_check

    if keep:
        _store_run()
    with environment.database() as conn:
        report = proving.prove(conn)
        results = [*report.results, *(duckdb_check.compared(conn) if second_engine else [])]
    if replay:
        results.append(_replay())
    rows = [{**_named(one), "green": one.green, "count": one.count} for one in results]
    offenders = [
        {**_named(one), "code": one.code, "what": offender.what, "how": offender.how}
        for one in results
        for offender in one.offenders
    ]
    if as_json:
        output.document({**_summary(report), "checks": rows, "offenders": offenders})
    else:
        output.listing(rows, _CHECKS, as_json=False)
        if offenders:
            output.listing(offenders, _OFFENDERS, as_json=False)
        output.say(
            vi("{last_seq} entries, state digest {digest}…", last_seq=report.last_seq, digest=report.digest.hex()[:16])
        )
        if report.missing:
            output.say(vi("not looked at (no tables yet): {listed}", listed=", ".join(report.missing)))
    red = sorted({one.invariant.value for one in results if not one.green})
    if red:
        leave(
            ExitCode.FINDING,
            vi("the ledger does not agree: {listed} (docs/runbooks/when-the-proof-is-red.md)", listed=", ".join(red)),
        )


def _store_run() -> None:
    from hub.worker import jobs

    with environment.hub() as hub:
        jobs.prove_ledger(hub)


def _replay() -> "CheckOutcome":
    from hub import dispatch
    from hub.fees.replay import replaying

    with environment.hub() as hub:
        return dispatch.run_command(hub, "hub", lambda uow: (replaying.replayed(uow), []))


def _named(result: "CheckOutcome") -> dict[str, Any]:
    return {"invariant": result.invariant, "check": result.name, "label": result.label}


def _summary(report: "ProofReport") -> dict[str, Any]:
    return {
        "last_seq": report.last_seq,
        "digest": report.digest.hex(),
        "green": report.green,
        "not_looked_at": list(report.missing),
    }
