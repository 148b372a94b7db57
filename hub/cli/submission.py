"""hub submission: show a submission; end a dossier that has not been handed over."""

from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

from typer import Argument, Option, Typer

from hub.cli import environment, output, writing
from hub.cli.arguments import whole_id
from hub.cli.output import AUDIT_LOG, TRANSFER_STATES, AsJson, TableColumn
from hub.cli.writing import DryRun, Reason, Yes
from hub.locale import vi

if TYPE_CHECKING:
    from hub.db import Connection
    from hub.dossiers.portal_view import SubmissionView

app: Final = Typer(help="Submissions (hồ sơ nộp).", no_args_is_help=True)


class SubmissionEnd(StrEnum):
    """How a dossier that has not been handed over may end."""

    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"


_FIELDS: Final = (
    TableColumn("id", vi("Dossier")),
    TableColumn("reference", vi("The portal's number")),
    TableColumn("dossier_code", vi("Dossier code")),
    TableColumn("procedure", vi("Procedure")),
    TableColumn("department", vi("Department")),
    TableColumn("status_label", vi("Status")),
    TableColumn("updated_at", vi("Since"), output.since),
    TableColumn("reason", vi("Reason")),
    TableColumn("received_at", vi("Received at"), output.moment),
    TableColumn("due_at", vi("Result due"), output.moment),
)
Name = Annotated[
    str, Argument(metavar="SUBMISSION", parser=whole_id, help="sub_…, the portal's reference, or the dossier code")
]
_TRANSFERS: Final = (
    TableColumn("id", vi("Transfer")),
    TableColumn("kind", vi("Type")),
    TableColumn("counterparty", vi("Partner")),
    TableColumn("state", vi("Status"), lambda state: TRANSFER_STATES[state]),
    TableColumn("attempts", vi("Attempt")),
    TableColumn("settled_at", vi("Ended"), output.moment),
)


@app.command()
def show(
    name: Name,
    as_json: AsJson = False,
) -> None:
    """Show a submission with its transfers and audit log; never the applicant's data."""
    from hub import views
    from hub.errors import NotFound

    with environment.database() as conn:
        view = _find(conn, name)
        if view is None:
            raise NotFound(f"no submission is called {name}")
        transfers = views.transfers_of(conn, view.id)
        audit_log = views.audit_log_of(conn, view.id)
    row = {**asdict(view), "state": view.state, "status_label": view.status_label}
    if as_json:
        output.document({**row, "transfers": transfers, "audit_log": audit_log})
        return
    output.fields(row, _FIELDS)
    output.say("")
    output.listing(transfers, _TRANSFERS, as_json=False)
    output.say("")
    output.listing(audit_log, AUDIT_LOG, as_json=False)


@app.command()
def end(
    name: Name,
    *,
    to: Annotated[SubmissionEnd, Option("--as", help="Withdrawn by its applicant, or stopped by the Centre.")],
    reason: Reason,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """End a dossier that has not been handed over, such as an unpaid one. Its demand is cancelled."""
    from hub.dossiers import service
    from hub.dossiers.store import DossierStatus
    from hub.errors import NotFound

    with environment.database() as conn:
        view = _find(conn, name)
    if view is None:
        raise NotFound(f"no submission is called {name}")
    status = DossierStatus(to.value)
    writing.act_on_each(
        "end",
        [view.id],
        lambda uow, one: service.end_dossier(uow, one, status, reason),
        yes=yes,
        dry_run=dry_run,
    )


def _find(conn: "Connection", name: str) -> "SubmissionView | None":
    from hub.dossiers import portal_view
    from schemas.identifiers import DossierCode, Prefix, is_id

    if is_id(name, Prefix.SUBMISSION):
        return portal_view.submission(conn, id=name)
    try:
        return portal_view.submission(conn, code=DossierCode.received(name).normalised)
    except ValueError:
        return portal_view.submission(conn, reference=name)
