"""hub fee close, reopen, days: close and reopen days and months of the ledger, each by two persons."""

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from typer import Option, Typer

from hub.cli import arguments, environment, output, writing
from hub.cli.exits import ExitCode, leave
from hub.cli.output import AsJson, TableColumn
from hub.cli.writing import DryRun, Reason, WriteCommand
from hub.locale import vi
from schemas.figures import grouped

if TYPE_CHECKING:
    from hub.app import Hub
    from hub.fees.closing.store import Closing, Gate
    from hub.unit_of_work import UnitOfWork

app: Final = Typer()
Result = TypeVar("Result")

Day = Annotated[datetime | None, Option(parser=arguments.day, metavar=arguments.DAY, help="A day.")]
Month = Annotated[datetime | None, Option(parser=arguments.month, metavar=arguments.MONTH, help="A month.")]
Account = Annotated[str | None, Option(help="Only this account of the Centre.")]

STEPS: Final = {
    "refused": vi("✗ conditions not met"),
    "proposed": vi("proposed; a second person is needed"),
    "waiting": vi("waiting for a second person"),
    "done": "✔ xong",
}
_STATES: Final = {"open": vi("open"), "preclosed": vi("waiting for a second person"), "closed": vi("closed")}


def _account(account: str) -> str:
    return vi("whole ledger") if account == "book" else account


_ROWS: Final = (
    TableColumn("account", vi("Account"), _account),
    TableColumn("period", vi("Period")),
    TableColumn("step", vi("Result"), lambda step: STEPS[step]),
    TableColumn("digest", vi("Digest"), lambda digest: digest[:16]),
)
_GATES: Final = (
    TableColumn("green", "", lambda green: "✔" if green else "✗"),
    TableColumn("account", vi("Account"), _account),
    TableColumn("period", vi("Period")),
    TableColumn("label", vi("Condition")),
    TableColumn("found", vi("Current state")),
    TableColumn("todo", vi("Task")),
)
_ITEMS: Final = (
    TableColumn("account", vi("Ledger account")),
    TableColumn("item", vi("Item")),
    TableColumn("net", vi("Debit less credit"), grouped),
    TableColumn("since", vi("From day")),
    TableColumn("days", vi("Days")),
    TableColumn("exceptions", vi("Exception")),
)
_DAYS: Final = (
    TableColumn("account", vi("Account"), _account),
    TableColumn("period", vi("Period")),
    TableColumn("state", vi("Status"), lambda state: _STATES[state]),
    TableColumn("book", vi("Ledger balance"), grouped),
    TableColumn("maker", vi("Proposed by")),
    TableColumn("checker", vi("Agreed by")),
    TableColumn("reopened", vi("Reopenings")),
    TableColumn("reopen_maker", vi("Reopening proposed")),
    TableColumn("digest", vi("Digest"), lambda digest: digest[:16]),
)


@app.command(cls=WriteCommand)
def close(
    day: Day = None, account: Account = None, month: Month = None, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Close the open days up to a day, or a month: one person proposes, a second one runs the same command.

    Exit 5 with the conditions that fail, or if another person has to agree.
    """
    from hub.fees.closing import commands

    _one_of(day, month)
    with environment.hub() as hub:
        if month is not None:
            closings = _act(hub, lambda uow: [commands.close_month(uow, month.date())], dry_run=dry_run)
        else:
            closings = _close_days(hub, account, _date(day), dry_run=dry_run)
    _print_closings(closings, as_json=as_json, dry_run=dry_run)


@app.command(cls=WriteCommand)
def reopen(
    reason: Reason, day: Day = None, account: Account = None, month: Month = None, as_json: AsJson = False
) -> None:
    """Reopen a day (and the closed days after it) or a month; takes two persons. The earlier digest is kept."""
    from hub.fees.closing import commands

    _one_of(day, month)
    if day is not None and account is None:
        leave(ExitCode.USAGE, vi("hub: add --account: of which account the day is reopened"))
    with environment.hub() as hub:
        if month is not None:
            closings = _act(hub, lambda uow: commands.reopen_month(uow, month.date(), reason))
        else:
            closings = _act(hub, lambda uow: commands.reopen_day(uow, str(account), _date(day), reason))
    _print_closings([closings], as_json=as_json, dry_run=False)


@app.command()
def days(month: Month = None, account: Account = None, as_json: AsJson = False) -> None:
    """List the state of a month and of its days, for every account; default: this month."""
    from hub.clock import last_of, local, now
    from hub.fees.closing import commands, store

    today = local(now()).date()
    first = (month.date() if month else today).replace(day=1)

    def read(uow: "UnitOfWork") -> list[dict[str, Any]]:
        accounts = [account] if account else commands.accounts_of(uow)
        begun = [(one, day) for one in accounts if (day := store.first_day(uow.conn, one)) is not None]
        last = min(last_of(first), today)
        return [*store.days(uow.conn, begun, first, last), *store.months(uow.conn, first, last_of(first))]

    with environment.hub() as hub:
        rows = _act(hub, read)
    output.listing([{**row, "period": _period(row["account"], row["day"])} for row in rows], _DAYS, as_json=as_json)


def _one_of(day: datetime | None, month: datetime | None) -> None:
    if (day is None) == (month is None):
        leave(ExitCode.USAGE, vi("hub: choose one of --day and --month"))


def _date(day: datetime | None) -> date:
    if day is None:
        leave(ExitCode.USAGE, vi("hub: --day is missing"))
    return day.date()


def _act(hub: "Hub", command: "Callable[[UnitOfWork], Result]", *, dry_run: bool = False) -> Result:
    """``command`` in a transaction; ``dry_run``: roll it back."""
    from psycopg import Rollback

    from hub import dispatch

    results: list[Result] = []

    def tried(uow: "UnitOfWork") -> tuple[None, list[Any]]:
        with uow.savepoint() as savepoint:
            results.append(command(uow))
            if dry_run:
                raise Rollback(savepoint)
        return None, []

    dispatch.run_command(hub, writing.actor(), tried)
    return results[0]


def _close_days(hub: "Hub", account: str | None, until: date, *, dry_run: bool) -> "list[Closing]":
    """Close the open days of each account in order, as far as possible; one transaction per account."""
    from hub.fees.closing import commands, store
    from hub.fees.closing.store import CloseStep

    def close_all(uow: "UnitOfWork", one: str) -> "list[Closing]":
        closings: list[Closing] = []
        for day in store.open_days(uow.conn, one, until) or [until]:
            closings.append(commands.close_day(uow, one, day))
            if closings[-1].step is CloseStep.REFUSED:
                break
        return closings

    accounts = [account] if account else _act(hub, commands.accounts_of)
    if not accounts:
        leave(ExitCode.NOT_FOUND, vi("hub: no account has a statement or an entry yet"))
    return [
        closing
        for one in accounts
        for closing in _act(hub, lambda uow, one=one: close_all(uow, one), dry_run=dry_run)  # type: ignore[misc]
    ]


def _period(account: str, day: date) -> str:
    return f"{day:%Y-%m}" if account == "book" else day.isoformat()


def _print_closings(closings: "list[Closing]", *, as_json: bool, dry_run: bool) -> None:
    rows = [_row(one) for one in closings]
    if as_json:
        output.document({"data": rows})
    else:
        _print_tables(closings, rows, dry_run=dry_run)
    red = [one for one in rows if not all(gate["green"] for gate in one["gates"])]
    if red:
        leave(
            ExitCode.REFUSED,
            vi("cannot be closed yet: see the lines with ✗ (docs/runbooks/close-a-day-and-a-month.md)"),
        )
    if not dry_run and all(one["step"] == "waiting" for one in rows):
        leave(ExitCode.REFUSED, vi("another person has to agree"))
    if changed := [line for one in rows for line in one["changed"]]:
        sentence = vi("the figures have changed since the last proposal; another person must agree to the new ones:")
        leave(ExitCode.REFUSED, "\n".join([sentence, *changed]))


def _print_tables(closings: "list[Closing]", rows: list[dict[str, Any]], *, dry_run: bool) -> None:
    gates = [
        {**gate, "account": row["account"], "period": row["period"]}
        for row in rows
        for gate in row["gates"]
        if dry_run or row["account"] == "book" or row["step"] == "refused"
    ]
    if gates:
        output.listing(gates, _GATES, as_json=False)
    listed = [item for one in closings for gate in one.gates for item in gate.items if "net" in item]
    if listed:
        output.listing(listed, _ITEMS, as_json=False)
    if not dry_run:
        output.listing(rows, _ROWS, as_json=False)


def _row(one: "Closing") -> dict[str, Any]:
    return {
        "account": one.account,
        "period": _period(one.account, one.day),
        "step": one.step.value,
        "digest": one.digest.hex(),
        "changed": list(one.changed),
        "gates": [_gate(gate) for gate in one.gates],
    }


def _gate(gate: "Gate") -> dict[str, Any]:
    fields = {"name": gate.name, "green": gate.green, "label": gate.label, "found": gate.finding}
    return {**fields, "todo": "" if gate.green else gate.todo, "items": list(gate.items)}
