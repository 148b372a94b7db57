"""hub fee match, virtual-accounts: match payments with demands; import virtual account numbers of a bank."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from typer import Argument, Context, Option, Typer

from hub.cli import arguments, environment, output, writing
from hub.cli.exits import ExitCode, leave
from hub.cli.files import read_file
from hub.cli.output import AsJson, Limit, TableColumn
from hub.cli.writing import DryRun, Reason, WriteCommand
from hub.fees.reconciliation.matching.match_store import CLASSES, PASSES, STATES
from hub.locale import vi
from schemas.figures import grouped

if TYPE_CHECKING:
    from hub.events import Event
    from hub.unit_of_work import UnitOfWork

virtual_accounts: Final = Typer(help="Virtual accounts (tài khoản định danh): import.", no_args_is_help=True)
app: Final = Typer(help="Matching (đối soát): run, list, confirm, reject, revoke; payout reports.")


@virtual_accounts.command("import", cls=WriteCommand)
def import_accounts(
    file: Annotated[Path, Argument(help="CSV with the columns number,reference", exists=True, dir_okay=False)],
) -> None:
    """Import a bank's list: payments to such an account belong to its demand (P2). All of it, or nothing."""
    from hub.fees.reconciliation.matching import virtual
    from hub.untrusted import files
    from schemas.statement import UnreadableFile

    try:
        accounts = files.virtual_accounts(read_file(file))
    except UnreadableFile as error:
        leave(ExitCode.USAGE, f"hub: {file.name}: {error.sentence}")

    new = writing.act(lambda uow: (virtual.bring(uow, accounts), []))
    output.say(vi("{name}: {new} new numbers, {known} known ✔", name=file.name, new=new, known=len(accounts) - new))


Group = Annotated[int, Argument(metavar="GROUP", help="its number, from: hub fee match list")]
Account = Annotated[str | None, Option(help="Only this account.")]
Day = Annotated[
    datetime | None, Option(parser=arguments.day, metavar=arguments.DAY, help="Only lines booked on this day.")
]

_RUNS: Final = (
    TableColumn("account", vi("Account")),
    TableColumn("day", vi("Booking date")),
    TableColumn("lines", vi("Incoming line")),
    TableColumn("found", vi("Result")),
    TableColumn("digest", vi("Digest")),
)
_GROUPS: Final = (
    TableColumn("id", vi("No.")),
    TableColumn("pass", vi("Legal basis"), lambda name: f"{name} {PASSES[name]}"),
    TableColumn("class", vi("Approval"), lambda name: CLASSES[name]),
    TableColumn("day", vi("Booking date")),
    TableColumn("line", vi("Statement line")),
    TableColumn("came", vi("Amount"), grouped),
    TableColumn("reference", vi("Payment reference")),
    TableColumn("amount", vi("Allocated to reference"), grouped),
    TableColumn("shown", vi("As written in the text")),
    TableColumn("errors", vi("Wrong characters")),
    TableColumn("maker", vi("Proposed by")),
)


@app.callback(invoke_without_command=True)
def match(
    context: Context, account: Account = None, day: Day = None, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Match the days that no run has seen, or one day of one account again. A second run changes nothing."""
    if context.invoked_subcommand is not None:
        return
    if (account is None) != (day is None):
        leave(ExitCode.USAGE, vi("hub: --account and --day go together"))
    rows = _run_matching(account, day.date() if day else None, dry_run=dry_run)
    output.listing(rows, _RUNS, as_json=as_json)


def _run_matching(account: str | None, day: date | None, *, dry_run: bool) -> list[dict[str, Any]]:
    from hub import dispatch
    from hub.fees.reconciliation.matching import match_store
    from hub.fees.reconciliation.matching.run import MatchRunResult, run

    def one(uow: "UnitOfWork", on: str, booked: date) -> "tuple[MatchRunResult, list[Event]]":
        result = run(uow, on, booked, dry=dry_run)
        return result, [] if dry_run else list(result.events)

    rows = []
    with environment.hub() as hub:
        if account is not None and day is not None:
            if not any(bank.account(account) for bank in hub.catalogue.banks.values()):
                leave(ExitCode.NOT_FOUND, vi("hub: the Centre has no account {account}", account=account))
            days = [(account, day)]
        else:
            with hub.db.connection() as conn:
                days = match_store.waiting(conn)
        for on, booked in days:
            result = dispatch.run_command(hub, writing.actor(), lambda uow, on=on, booked=booked: one(uow, on, booked))  # type: ignore[misc]
            rows.append(
                {
                    "account": on,
                    "day": booked.isoformat(),
                    "lines": result.lines,
                    "found": ", ".join(f"{name} {count}" for name, count in sorted(result.counters.items())) or "–",
                    "digest": result.digest.hex()[:16],
                }
            )
    return rows


@app.command("list")
def list_(
    state: Annotated[str, Option(help=f"One of: {', '.join(STATES)}.")] = "proposed",
    account: Account = None,
    day: Day = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List proposed matches, the likeliest first, or those in another state."""
    from hub.fees.reconciliation.matching import match_store

    arguments.check_state(state, STATES, vi("hub: the status of a match is one of"))
    with environment.database() as conn:
        rows = match_store.groups(conn, state=state, account=account, day=day.date() if day else None, limit=limit)
    output.listing([{**row, "day": row["day"].isoformat()} for row in rows], _GROUPS, as_json=as_json)


@app.command(cls=WriteCommand)
def confirm(group: Group, reason: Reason) -> None:
    """Confirm a match. Class B takes one person; class C two, who run the same command."""
    from hub.fees.reconciliation.matching import commands

    _decide(lambda uow: commands.confirm(uow, group, reason))
    output.say(vi("match {group}: confirmed ✔", group=group))


@app.command(cls=WriteCommand)
def reject(group: Group, reason: Reason) -> None:
    """Reject a match; it is not proposed again."""
    from hub.fees.reconciliation.matching import commands

    _decide(lambda uow: commands.reject(uow, group, reason))
    output.say(vi("match {group}: rejected ✔", group=group))


@app.command(cls=WriteCommand)
def revoke(group: Group, reason: Reason) -> None:
    """Revoke a confirmed match: its demands are open again. Takes two persons."""
    from hub.fees.reconciliation.matching import commands

    _decide(lambda uow: commands.revoke(uow, group, reason))
    output.say(vi("match {group}: revoked ✔", group=group))


@app.command(cls=WriteCommand)
def payout(
    file: Annotated[Path, Argument(help="JSON: provider, report, account, day, items", exists=True, dir_okay=False)],
) -> None:
    """Import a gateway's payout report; its statement line is matched by the report only."""
    from hub.fees.reconciliation.matching import gateway_payouts
    from hub.untrusted import files
    from schemas.statement import UnreadableFile

    try:
        report = files.payout(read_file(file))
    except UnreadableFile as error:
        leave(
            ExitCode.USAGE,
            vi("hub: {name} is not a payout report: {sentence}", name=file.name, sentence=error.sentence),
        )

    def bring(uow: "UnitOfWork") -> "list[Event]":
        gateway_payouts.bring(uow, report)
        return []

    _decide(bring)
    output.say(f"{report.provider} {report.report}: {len(report.items)} ✔")


def _decide(command: "Callable[[UnitOfWork], list[Event]]") -> None:
    writing.act(lambda uow: (None, command(uow)))
