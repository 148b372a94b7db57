"""hub inbox: dead letters of the inbox; list, show, requeue and refuse them."""

from typing import TYPE_CHECKING, Annotated, Final

from typer import Argument, Typer

from hub.cli import environment, output, writing
from hub.cli.arguments import whole_id
from hub.cli.exits import ExitCode, leave
from hub.cli.output import AUDIT_LOG, AsJson, Limit, TableColumn
from hub.cli.writing import DryRun, Reason, Yes
from hub.locale import vi

if TYPE_CHECKING:
    from hub.app import Hub

app: Final = Typer(help="Inbox messages that wait for a person: list, show, requeue, refuse.", no_args_is_help=True)

Ids = Annotated[list[str], Argument(metavar="MESSAGE...", parser=whole_id, help="in_… or sub_…")]

_COLUMNS: Final = (
    TableColumn("id", vi("Message")),
    TableColumn("source", vi("Source")),
    TableColumn("kind", vi("Type")),
    TableColumn("external_id", vi("Sender's identifier")),
    TableColumn("received_at", vi("Received at"), output.since),
    TableColumn("backoff_attempts", vi("Attempt")),
    TableColumn("error_code", vi("Error")),
    TableColumn("error_detail", vi("Detail")),
)
_FIELDS: Final = (
    *_COLUMNS,
    TableColumn("state", vi("Status")),
    TableColumn("due_at", vi("Due at"), output.moment),
    TableColumn("settled_at", vi("Ended"), output.moment),
)


@app.command("list")
def list_(limit: Limit = 50, as_json: AsJson = False) -> None:
    """List messages that wait for a person, oldest first. Exit 3 if there are any."""
    from hub import views

    with environment.database() as conn:
        rows = views.dead_letters(conn, limit=limit)
    output.listing(rows, _COLUMNS, as_json=as_json)
    if rows:
        leave(ExitCode.FINDING, vi("{rows} messages wait for a person", rows=len(rows)))


@app.command()
def show(
    message_id: Annotated[str, Argument(metavar="MESSAGE", parser=whole_id, help="in_…")], as_json: AsJson = False
) -> None:
    """Show a message: its state and audit log, never its content, except of a feed entry that was set aside."""
    from hub import views
    from hub.errors import NotFound

    with environment.database() as conn:
        row = views.message(conn, message_id)
    if row is None:
        raise NotFound(f"no message has the id {message_id}")
    if as_json:
        output.document(row)
        return
    output.fields(row, _FIELDS)
    if row["document"] is not None:
        output.say("")
        output.text(row["document"].rstrip("\n") + "\n")
    output.say("")
    output.listing(row["audit_log"], AUDIT_LOG, as_json=False)


@app.command()
def requeue(ids: Ids, *, reason: Reason, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Requeue dead letters after their cause is corrected. An entry of a feed is read again.

    A message under an id that was used before (REPORT_CONFLICT) is handled in addition to the first.
    """
    from hub import operations

    with environment.hub() as hub:
        writing.each(
            "requeue",
            ids,
            lambda one: operations.requeue(hub, one, actor=writing.actor(), reason=reason),
            yes=yes,
            dry_run=dry_run,
        )


@app.command()
def refuse(ids: Ids, *, reason: Reason, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Refuse a waiting or dead message for good. The portal is sent the reason and shows it: write it in Vietnamese."""
    from hub import operations

    def refuse_one(hub: "Hub", message: str) -> None:
        if not operations.refuse(hub, message, actor=writing.actor(), reason=reason):
            output.say(vi("{message}: the sender has no channel for notices, tell them directly", message=message))

    with environment.hub() as hub:
        writing.each("refuse", ids, lambda one: refuse_one(hub, one), yes=yes, dry_run=dry_run)
