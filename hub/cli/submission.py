"""hub submission: where one submission stands, and what happened to it."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

from typer import Argument, Typer

from hub.cli import environment, output
from hub.cli.output import AsJson, Column
from hub.cli.wording import JOURNAL, TRANSFER_STATES

if TYPE_CHECKING:
    from hub.db import Connection
    from hub.dossiers.views import SubmissionView

app: Final = Typer(help="Submissions (hồ sơ nộp).", no_args_is_help=True)

_FIELDS: Final = (
    Column("id", "Hồ sơ"),
    Column("reference", "Số của Cổng"),
    Column("dossier_code", "Mã hồ sơ"),
    Column("procedure", "Thủ tục"),
    Column("department", "Sở"),
    Column("status_label", "Trạng thái"),
    Column("updated_at", "Từ", output.since),
    Column("reason", "Lý do"),
    Column("received_at", "Nhận lúc", output.moment),
    Column("due_at", "Hạn trả", output.moment),
)
_TRANSFERS: Final = (
    Column("id", "Lần chuyển"),
    Column("kind", "Loại"),
    Column("counterparty", "Đối tác"),
    Column("state", "Trạng thái", lambda state: TRANSFER_STATES[state]),
    Column("attempts", "Lần"),
    Column("settled_at", "Kết thúc", output.moment),
)


@app.command()
def show(
    name: Annotated[str, Argument(metavar="SUBMISSION", help="sub_…, the portal's reference, or the dossier code")],
    as_json: AsJson = False,
) -> None:
    """One submission with its transfers and its journal; never the applicant's data."""
    from hub import views
    from hub.errors import NotFound

    with environment.database() as conn:
        view = _find(conn, name)
        if view is None:
            raise NotFound(f"no submission is called {name}")
        transfers = views.transfers_of(conn, view.id)
        journal = views.journal_of(conn, view.id)
    found = {**asdict(view), "state": view.state, "status_label": view.status_label}
    if as_json:
        output.document({**found, "transfers": transfers, "journal": journal})
        return
    output.fields(found, _FIELDS)
    output.say("")
    output.listing(transfers, _TRANSFERS, as_json=False)
    output.say("")
    output.listing(journal, JOURNAL, as_json=False)


def _find(conn: "Connection", name: str) -> "SubmissionView | None":
    from hub.dossiers import views
    from schemas.identifiers import DossierCode, Prefix, is_id

    if is_id(name, Prefix.SUBMISSION):
        return views.submission(conn, id=name)
    try:
        return views.submission(conn, code=DossierCode.received(name).normalised)
    except ValueError:
        return views.submission(conn, reference=name)
