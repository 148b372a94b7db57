"""hub transfer: list and show transfers of the outbox; replay, park, cancel and check them."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from typer import Argument, Option, Typer

from hub.cli import arguments, environment, output, writing
from hub.cli.arguments import whole_id
from hub.cli.exits import ExitCode, leave
from hub.cli.output import ADVICE, AUDIT_LOG, NEEDS_ACTION, TRANSFER_STATES, AsJson, Limit, TableColumn
from hub.cli.writing import DryRun, Reason, WriteCommand, Yes
from hub.locale import vi

app: Final = Typer(help="Transfers (lần chuyển): list, show, replay, park, cancel, check.", no_args_is_help=True)

Shown = Literal[
    "queued", "sending", "retrying", "unknown", "held", "stuck", "parked", "delivered", "refused", "cancelled"
]
Ids = Annotated[list[str], Argument(metavar="TRANSFER...", parser=whole_id, help="tr_…")]

_COLUMNS: Final = (
    TableColumn("id", vi("Transfer")),
    TableColumn("dossier_code", vi("Dossier code")),
    TableColumn("counterparty", vi("Partner")),
    TableColumn("state", vi("Status"), lambda state: TRANSFER_STATES[state]),
    TableColumn("error_code", vi("Error")),
    TableColumn("attempts", vi("Attempt")),
    TableColumn("created_at", vi("Since"), output.since),
    TableColumn("advice", vi("Advice")),
)
_FIELDS: Final = (
    *_COLUMNS,
    TableColumn("kind", vi("Type")),
    TableColumn("subject", vi("Dossier (submission)")),
    TableColumn("error_detail", vi("Error detail")),
    TableColumn("due_at", vi("Due at"), output.moment),
    TableColumn("deadline", vi("Legal deadline"), output.moment),
    TableColumn("reason", vi("Reason")),
    TableColumn("review_at", vi("Review at"), output.moment),
    TableColumn("settled_at", vi("Ended"), output.moment),
)
_CHECKED: Final = (_COLUMNS[0], TableColumn("state", vi("Status"), lambda state: TRANSFER_STATES[state]))
_ATTEMPTS: Final = (
    TableColumn("number", vi("Attempt")),
    TableColumn("id", vi("Code")),
    TableColumn("started_at", vi("Started"), output.moment),
    TableColumn("finished_at", "Xong", output.moment),
    TableColumn("outcome", vi("Result")),
    TableColumn("code", vi("Error code")),
    TableColumn("detail", vi("Detail")),
)


@app.command("list")
def list_(
    state: Annotated[Shown | None, Option(help="Only these; held: its counterparty is paused.")] = None,
    counterparty: Annotated[str | None, Option(help="Only for this one: department.so-tu-phap")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List transfers, oldest first. Exit 3 if a listed one is stuck: it needs a person."""
    from hub import views

    with environment.database() as conn:
        rows = views.transfers(conn, state=state, counterparty=counterparty, limit=limit)
    output.listing([_advised(row) for row in rows], _COLUMNS, as_json=as_json)
    stuck = sum(row["state"] in NEEDS_ACTION for row in rows)
    if stuck:
        leave(ExitCode.FINDING, vi("{rows} transfers, {stuck} stuck", rows=len(rows), stuck=stuck))


@app.command()
def show(
    transfer_id: Annotated[str, Argument(metavar="TRANSFER", parser=whole_id, help="tr_…")], as_json: AsJson = False
) -> None:
    """Show a transfer: its attempts, responses (redacted) and audit log."""
    from hub import views
    from hub.errors import NotFound

    with environment.database() as conn:
        row = views.transfer(conn, transfer_id)
    if row is None:
        raise NotFound(f"no transfer has the id {transfer_id}")
    if as_json:
        output.document(row)
        return
    output.fields(_advised(row), _FIELDS)
    output.say("")
    output.listing(row["attempts_made"], _ATTEMPTS, as_json=False)
    output.say("")
    output.listing(row["audit_log"], AUDIT_LOG, as_json=False)


@app.command()
def replay(
    ids: Annotated[list[str] | None, Argument(metavar="[TRANSFER...]", parser=whole_id, help="tr_…")] = None,
    counterparty: Annotated[str | None, Option(help="Instead of ids: every stuck one for this counterparty.")] = None,
    limit: Limit = 200,
    *,
    reason: Reason,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Send again now with the same idempotency key; if the outcome is unknown, the counterparty is asked first."""
    from hub import operations, views

    if bool(ids) == (counterparty is not None):
        leave(ExitCode.USAGE, "hub: name transfers, or --counterparty, and not both")
    with environment.hub() as hub:
        if counterparty is not None:
            with hub.db.connection() as conn:
                stuck = views.transfers(conn, state="stuck", counterparty=counterparty, limit=limit)
            ids = [row["id"] for row in stuck]
        writing.each(
            "replay",
            ids or [],
            lambda one: operations.replay(hub, one, actor=writing.actor(), reason=reason),
            yes=yes,
            dry_run=dry_run,
        )


@app.command()
def park(
    ids: Ids,
    review_at: Annotated[datetime, Option(parser=arguments.moment, metavar=arguments.DAY, help="When to look again.")],
    *,
    reason: Reason,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Park transfers until a day; later transfers of the same dossier wait too."""
    from hub import operations
    from hub.clock import VIETNAM

    review_time = review_at.replace(tzinfo=VIETNAM)
    with environment.hub() as hub:
        writing.each(
            "park",
            ids,
            lambda one: operations.park(hub, one, actor=writing.actor(), reason=reason, review_at=review_time),
            yes=yes,
            dry_run=dry_run,
        )


@app.command()
def unpark(ids: Ids, *, reason: Reason, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Queue parked transfers again."""
    from hub import operations

    with environment.hub() as hub:
        writing.each(
            "unpark",
            ids,
            lambda one: operations.unpark(hub, one, actor=writing.actor(), reason=reason),
            yes=yes,
            dry_run=dry_run,
        )


@app.command()
def cancel(ids: Ids, *, reason: Reason, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Cancel transfers for good; they are not sent."""
    from hub import operations

    with environment.hub() as hub:
        writing.each(
            "cancel",
            ids,
            lambda one: operations.cancel(hub, one, actor=writing.actor(), reason=reason),
            yes=yes,
            dry_run=dry_run,
        )


@app.command(cls=WriteCommand)
def check(ids: Ids, as_json: AsJson = False) -> None:
    """Ask the counterparty now whether it has received each transfer; nothing is sent. Prints the new states."""
    from hub import operations

    states: list[dict[str, Any]] = []
    with environment.hub() as hub:
        try:
            writing.each_of(
                "check",
                ids,
                lambda one: states.append({"id": one, "state": str(operations.check(hub, one, actor=writing.actor()))}),
            )
        finally:
            output.listing(states, _CHECKED, as_json=as_json)


def _advised(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "advice": ADVICE.get(row["state"], "")}
