"""hub fee demands, show, waive, renew: list and show fee demands; waive or renew them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final

from typer import Argument, Option, Typer

from hub.cli import environment, output, writing
from hub.cli.arguments import whole_id
from hub.cli.output import AUDIT_LOG, AsJson, Limit, TableColumn
from hub.cli.writing import DryRun, Reason, Yes
from hub.fees.demands.model import LABELS, DemandStatusCode
from hub.locale import vi
from schemas.figures import grouped

if TYPE_CHECKING:
    from hub.events import Event
    from hub.unit_of_work import UnitOfWork

app: Final = Typer()

Name = Annotated[
    str, Argument(metavar="DEMAND", parser=whole_id, help="fd_…, the payment reference, or the dossier code")
]

_COLUMNS: Final = (
    TableColumn("id", vi("Payment demand")),
    TableColumn("reference", vi("Transfer reference")),
    TableColumn("dossier_code", vi("Dossier code")),
    TableColumn("amount_due", vi("Due"), grouped),
    TableColumn("waived", vi("Waived"), grouped),
    TableColumn("allocated", vi("Paid"), grouped),
    TableColumn("outstanding", vi("Outstanding"), grouped),
    TableColumn("status", vi("Status"), lambda status: LABELS[DemandStatusCode(status)]),
    TableColumn("expires_at", vi("Pay by"), output.last_day),
)
_FIELDS: Final = (
    *_COLUMNS,
    TableColumn("dossier_id", vi("Dossier")),
    TableColumn("department", vi("Department")),
    TableColumn("pay_first", vi("Paid in advance"), lambda first: vi("yes") if first else vi("no")),
    TableColumn("confirmed", vi("Confirmed by statement"), grouped),
    TableColumn("issued_at", vi("Made at"), output.moment),
)
_LINES: Final = (
    TableColumn("number", "TT"),
    TableColumn("kind", vi("Type"), lambda kind: {"phi": vi("fee"), "le_phi": vi("charge")}[kind]),
    TableColumn("title", vi("Fee item")),
    TableColumn("amount", vi("Amount"), grouped),
    TableColumn("waived", vi("Waived"), grouped),
    TableColumn("basis", vi("Legal basis")),
    TableColumn("retention_bp", vi("Retained (1/10,000)")),
)
_CREDITS: Final = (
    TableColumn("evidence", vi("Money received")),
    TableColumn("amount", vi("Amount"), grouped),
    TableColumn("paid_at", vi("Paid at"), output.moment),
    TableColumn("confirmed_at", vi("Statement at"), output.moment),
    TableColumn("reversed_at", vi("Taken back at"), output.moment),
    TableColumn("reversed_by", vi("By")),
)


@app.command("demands")
def demands_(
    status: Annotated[DemandStatusCode | None, Option(help="Only these.")] = None,
    department: Annotated[str | None, Option(help="Only this department's fees: so-tu-phap")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List fee demands, oldest first. Amounts in đồng."""
    from hub.fees.demands import demand_store

    with environment.database() as conn:
        rows = demand_store.listing(conn, status=status, department=department, limit=limit)
    output.listing(rows, _COLUMNS, as_json=as_json)
    if len(rows) == limit and not as_json:
        output.say(vi("the first {limit} rows only: --limit", limit=limit))


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show a demand: its fees, the payments allocated to it, audit log. No names."""
    row = _demand(name)
    if as_json:
        output.document(row)
        return
    output.fields(row, _FIELDS)
    for key, columns in (("lines", _LINES), ("credits", _CREDITS), ("audit_log", AUDIT_LOG)):
        output.say("")
        output.listing(row[key], columns, as_json=False)


@app.command()
def waive(
    name: Name,
    *,
    exemption: Annotated[str, Option(help="Code of the exemption in the procedure, which names its legal basis.")],
    reason: Reason,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Waive what this exemption covers; a dossier that waited for nothing else is released."""
    from hub.fees.demands import demand_commands

    _act(
        "waive",
        name,
        lambda uow, demand: demand_commands.waive(uow, demand, exemption, reason),
        yes=yes,
        dry_run=dry_run,
    )


@app.command()
def renew(name: Name, *, reason: Reason, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Renew an expired demand: it may be paid for as long as a new one."""
    from hub.fees.demands import demand_commands

    _act("renew", name, lambda uow, demand: demand_commands.renew(uow, demand, reason), yes=yes, dry_run=dry_run)


def _act(
    what: str, name: str, command: "Callable[[UnitOfWork, str], list[Event]]", *, yes: bool, dry_run: bool
) -> None:
    demand = str(_demand(name)["id"])
    writing.act_on_each(what, [demand], lambda uow, one: (None, command(uow, one)), yes=yes, dry_run=dry_run)


def id_of(name: str) -> str:
    """Return the id of a demand by fd_…, payment reference or dossier code. Raises NotFound."""
    return str(_demand(name)["id"])


def _demand(name: str) -> dict[str, Any]:
    from hub import views as hub
    from hub.errors import NotFound
    from hub.fees.demands import demand_store
    from schemas.identifiers import DossierCode

    try:
        reference = DossierCode.received(name).normalised
    except ValueError:
        reference = name
    with environment.database() as conn:
        row = demand_store.find(conn, reference)
        if row is None:
            raise NotFound(vi("there is no demand {missing}", missing=name))
        return {**row, "audit_log": hub.audit_log_of(conn, row["id"])}
