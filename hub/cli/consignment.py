"""hub consignment: list, order, print, cancel; complaints, losses, quarterly report, pre-printed codes."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from typer import Argument, FileText, Option, Typer

from hub.cli import environment, files, output, writing
from hub.cli.arguments import whole_id
from hub.cli.exits import ExitCode, leave
from hub.cli.output import AUDIT_LOG, AsJson, Limit, TableColumn
from hub.cli.writing import DryRun, Reason, WriteCommand, Yes
from hub.consignments.model import (
    CONCERNS,
    DIRECTIONS,
    LABELS,
    ConsignmentStatus,
    Direction,
    IncidentKind,
    Liable,
    Outcome,
    Service,
    Subject,
)
from hub.locale import vi

if TYPE_CHECKING:
    from config.catalogue import Catalogue
    from hub.papers.forms import Form, Manifest, PostalAddress, Slip
    from schemas.postal import ConsignmentOrder, Contact

pool: Final = Typer(help="Pre-printed item codes (mã bưu gửi in sẵn).", no_args_is_help=True)
app: Final = Typer(help="Consignments (bưu gửi): list, order, print, complain, report.", no_args_is_help=True)

app.add_typer(pool, name="pool")

Name = Annotated[str, Argument(metavar="CONSIGNMENT", parser=whole_id, help="cs_…, the order number or the item code")]

_COLUMNS: Final = (
    TableColumn("id", vi("Consignment")),
    TableColumn("order_number", vi("Order number")),
    TableColumn("item_code", vi("Item code")),
    TableColumn("direction", vi("Direction"), lambda direction: DIRECTIONS[Direction(direction)]),
    TableColumn("status", vi("Status"), lambda status: LABELS[ConsignmentStatus(status)]),
    TableColumn("status_at", vi("Since"), output.since),
    TableColumn("promised_on", vi("Due J+n")),
    TableColumn("attention", vi("To check")),
)
_FIELDS: Final = (
    *_COLUMNS,
    TableColumn("operator", vi("Postal operator")),
    TableColumn("service", vi("Service")),
    TableColumn("seal_number", vi("Seal number")),
    TableColumn("route_class", vi("Kind of route")),
    TableColumn("cash", vi("Cash on delivery (VND)")),
    TableColumn("handoff_id", vi("Handoff")),
    TableColumn("transfer_id", vi("Transfer")),
    TableColumn("ordered_at", vi("Ordered at"), output.moment),
    TableColumn("posted_on", vi("Day of sending (J)")),
    TableColumn("last_event_at", vi("Last report"), output.moment),
    TableColumn("reason", vi("Reason")),
    TableColumn("settled_at", vi("Ended"), output.moment),
)
_MANIFEST: Final = (
    TableColumn("number", "TT"),
    TableColumn("dossier_code", vi("Dossier code")),
    TableColumn("kind", vi("Type")),
    TableColumn("title", vi("Name of the paper")),
    TableColumn("originals", vi("Originals")),
    TableColumn("copies", vi("Copies")),
)
_EVENTS: Final = (
    TableColumn("at", vi("Happened at"), output.moment),
    TableColumn("status", vi("Status"), lambda status: LABELS[ConsignmentStatus(status)]),
    TableColumn("code", vi("Operator's code")),
    TableColumn("place", vi("Place")),
    TableColumn("recorded_at", vi("Known at"), output.moment),
)
_CONCERNS: Final = (
    TableColumn("id", vi("No.")),
    TableColumn("kind", vi("Task"), lambda kind: CONCERNS[kind]),
    TableColumn("raised_at", vi("Since"), output.since),
    TableColumn("cleared_at", vi("Done at"), output.moment),
    TableColumn("cleared_by", vi("By")),
)
_ATTENTION: Final = (
    TableColumn("id", vi("No.")),
    TableColumn("kind", vi("Task"), lambda kind: CONCERNS[kind]),
    TableColumn("subject", vi("Consignment / dossier")),
    TableColumn("order_number", vi("Order number")),
    TableColumn("item_code", vi("Item code")),
    TableColumn("raised_at", vi("Since"), output.since),
    TableColumn("promised_on", vi("Due J+n")),
)


@app.command("list")
def list_(
    status: Annotated[ConsignmentStatus | None, Option(help="Only these.")] = None,
    operator: Annotated[str | None, Option(help="Only of this one: buu-dien-ngsp")] = None,
    is_open: Annotated[bool, Option("--open", help="Only those that have not ended.")] = False,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List consignments, oldest first. Exit 3 if a listed one needs a person."""
    from hub.consignments import store

    with environment.database() as conn:
        rows = store.consignments(conn, status=status, operator=operator, is_open=is_open, limit=limit)
    output.listing(rows, _COLUMNS, as_json=as_json)
    waiting = sum(row["attention"] > 0 for row in rows)
    if waiting:
        leave(
            ExitCode.FINDING,
            vi(
                "{rows} consignments, {waiting} need a person: hub consignment attention",
                rows=len(rows),
                waiting=waiting,
            ),
        )


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show a consignment: manifest, tracking events, what needs a person, audit log. No names, no addresses."""
    row = _consignment(name)
    if as_json:
        output.document(row)
        return
    output.fields(row, _FIELDS)
    for key, columns in (
        ("manifest", _MANIFEST),
        ("events", _EVENTS),
        ("concerns", _CONCERNS),
        ("audit_log", AUDIT_LOG),
    ):
        output.say("")
        output.listing(row[key], columns, as_json=False)


@app.command()
def manifest(name: Name, as_json: AsJson = False) -> None:
    """Show the manifest (bảng kê) of a bag: the papers of each dossier in it."""
    output.listing(_consignment(name)["manifest"], _MANIFEST, as_json=as_json)


@app.command()
def attention(limit: Limit = 50, as_json: AsJson = False) -> None:
    """List what needs a person: silent, late, lost, refused, … Exit 3 if there is any."""
    from hub.consignments import store

    with environment.database() as conn:
        rows = store.attention(conn, limit=limit)
    output.listing(rows, _ATTENTION, as_json=as_json)
    if rows:
        leave(ExitCode.FINDING, vi("{rows} tasks wait for a person", rows=len(rows)))


@app.command()
def dismiss(
    numbers: Annotated[list[int], Argument(metavar="NUMBER...", help="from: hub consignment attention")],
    *,
    reason: Reason,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Dismiss concerns that have been dealt with; they are not raised again."""
    from hub.consignments import commands

    writing.act_on_each(
        "dismiss",
        [str(number) for number in numbers],
        lambda uow, one: commands.dismiss(uow, int(one), reason),
        yes=yes,
        dry_run=dry_run,
    )


@app.command(cls=WriteCommand)
def order(
    dossiers: Annotated[
        list[str], Argument(metavar="DOSSIER...", parser=whole_id, help="sub_… or dossier codes; several make a bag")
    ],
    direction: Annotated[Direction, Option(help="From whom to whom.")],
    service: Annotated[Service | None, Option(help="QĐ 45/2016 Đ5; default: by the direction.")] = None,
    operator: Annotated[str | None, Option(help="Default: the Centre's, from portal.toml.")] = None,
    route: Annotated[str | None, Option(help="Class of routes (J+n); default: by the two provinces.")] = None,
    from_department: Annotated[str | None, Option("--from", help="Department code, between agencies.")] = None,
    to_department: Annotated[str | None, Option("--to", help="Department code, between agencies.")] = None,
    cash: Annotated[
        int | None,
        Option(min=0, help="Đồng to collect from the receiver; default: with a result, its outstanding fees."),
    ] = None,
    seal: Annotated[str | None, Option(help="Number of the seal.")] = None,
    item_code: Annotated[str | None, Option(help="A pre-printed code; default: the next of the pool.")] = None,
) -> None:
    """Order a consignment of papers or results. Its id on stdout."""
    from hub.consignments import commands
    from hub.consignments.ordering import DeliveryRequest

    request = DeliveryRequest(
        direction,
        tuple(dossiers),
        service=service,
        operator=operator,
        route_class=route,
        from_department=from_department,
        to_department=to_department,
        cash=cash,
        seal_number=seal,
        item_code=item_code,
    )
    sys.stdout.write(writing.act(lambda uow: commands.order(uow, request)) + "\n")


@app.command()
def cancel(
    ids: Annotated[list[str], Argument(metavar="CONSIGNMENT...", parser=whole_id, help="cs_…")],
    *,
    reason: Reason,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Cancel orders that have not been collected."""
    from hub.consignments import commands

    writing.act_on_each("cancel", ids, lambda uow, one: commands.cancel(uow, one, reason), yes=yes, dry_run=dry_run)


def _consignment(name: str) -> dict[str, Any]:
    from hub.consignments import store
    from hub.errors import NotFound

    with environment.database() as conn:
        row = store.consignment(conn, name)
    if row is None:
        raise NotFound(f"no consignment is called {name}")
    return row


ConsignmentFormName = Literal["phieu-gui", "bang-ke"]
_SERVICES: Final = {
    "documents": vi("Sending the dossier"),
    "result": vi("Receiving the result"),
    "both": vi("Sending the dossier and receiving the result"),
}
"""QĐ 45/2016/QĐ-TTg Article 5"""
_KINDS: Final = {"documents": vi("paper"), "result": vi("result")}


@app.command("print")
def print_(
    names: Annotated[
        list[str], Argument(metavar="CONSIGNMENT...", parser=whole_id, help="cs_…, order numbers or item codes")
    ],
    out: Annotated[Path | None, Option("--output", "-o", help="File to write; default: named after the first.")] = None,
    form: Annotated[
        ConsignmentFormName, Option(help="Phiếu gửi of one, with its contents; bảng kê of several.")
    ] = "phieu-gui",
    bag: Annotated[
        str | None, Option(help="Number of the bag, on a bảng kê; default: the first's order number.")
    ] = None,
) -> None:
    """Print a slip or a list, to be signed by hand. Put the slip inside the sealed bag: it names the papers."""
    from hub.papers import render

    if form == "phieu-gui" and len(names) != 1:
        leave(ExitCode.USAGE, vi("hub: a dispatch note is of one consignment; for several: --form bang-ke"))
    catalogue, rows = _read(names)
    form_values: Form = _slip(catalogue, *rows[0]) if form == "phieu-gui" else _manifest(catalogue, rows, bag)
    target = out or Path(f"{form}-{rows[0][0]['order_number']}.pdf")
    files.write(target, render.render(form_values))
    output.say(f"{target}: {form_values.number}")


def _read(names: list[str]) -> "tuple[Catalogue, list[tuple[dict[str, Any], ConsignmentOrder]]]":
    from hub.consignments import store
    from hub.errors import NotFound
    from hub.handoffs.views import find_history

    orders = []
    with environment.hub() as hub, hub.db.connection() as conn:
        for name in names:
            row = store.consignment(conn, name)
            if row is None or row["transfer_id"] is None:
                raise NotFound(f"no consignment is called {name}")
            procedures = {find_history(conn, line["dossier_id"]).procedure for line in row["manifest"]}
            procedures_ = [hub.catalogue.procedures.get(code) for code in sorted(procedures)]
            row["procedure"] = "; ".join(one.title for one in procedures_ if one is not None)
            orders.append((row, store.ordered(conn, row["transfer_id"])))
    return hub.catalogue, orders


def _slip(catalogue: "Catalogue", row: dict[str, Any], order: "ConsignmentOrder") -> "Slip":
    from hub.cli.handoff import office
    from hub.papers.forms import MinuteDocument, Slip

    operator = catalogue.operators[row["operator"]]
    route = operator.routes[row["route_class"]]
    days = route.days_with_slip if row["service"] == "both" else route.days
    lines = row["manifest"]
    return Slip(
        number=f"{row['order_number']}/PG",
        at=row["ordered_at"],
        office=office(catalogue),
        operator=operator.name,
        item_code=row["item_code"] or "…" * 8,
        seal_number=row["seal_number"] or "…" * 6,
        service=_SERVICES[row["service"]],
        sender=_address(order.sender),
        receiver=_address(order.receiver),
        dossier_code=", ".join(dict.fromkeys(line["dossier_code"] for line in lines)),
        procedure=row["procedure"],
        documents=tuple(
            MinuteDocument(line["title"], _KINDS[line["kind"]], line["originals"] + line["copies"]) for line in lines
        ),
        term=vi("J+{days} working days ({title})", days=days, title=route.title),
        price=None,
        collect=row["cash"],
    )


def _manifest(
    catalogue: "Catalogue", rows: "list[tuple[dict[str, Any], ConsignmentOrder]]", bag: str | None
) -> "Manifest":
    from hub.cli.handoff import office
    from hub.consignments.model import DIRECTIONS, Direction
    from hub.papers.forms import BagItem, Manifest

    first = rows[0][0]
    if len({(row["operator"], row["direction"]) for row, _ in rows}) != 1:
        leave(ExitCode.USAGE, vi("hub: a list of consignments is of one operator and one direction"))
    number = bag or first["order_number"]
    return Manifest(
        number=f"{number}/BK",
        at=max(row["ordered_at"] for row, _ in rows),
        office=office(catalogue),
        operator=catalogue.operators[first["operator"]].name,
        direction=DIRECTIONS[Direction(first["direction"])],
        bag_number=number,
        seal_number=first["seal_number"] or "…" * 6,
        items=tuple(
            BagItem(
                row["item_code"] or "", row["order_number"], _address(order.receiver), weight=0, collect=row["cash"]
            )
            for row, order in rows
        ),
    )


def _address(contact: "Contact") -> "PostalAddress":
    from hub.papers.forms import PostalAddress

    return PostalAddress(contact.name, f"{contact.address}, {contact.province}", contact.phone)


Id = Annotated[str, Argument(metavar="CONSIGNMENT", parser=whole_id, help="cs_…")]


@app.command(cls=WriteCommand)
def complain(
    consignment: Id,
    subject: Annotated[Subject, Option(help="Subject of the complaint.")],
    detail: Annotated[str, Option(help="One sentence; no names.")],
) -> None:
    """File a complaint (TT 17/2017). Its id on stdout."""
    from hub.consignments import commands

    complaint = writing.act(lambda uow: commands.complain(uow, consignment, subject, detail))
    sys.stdout.write(complaint + "\n")


@app.command(cls=WriteCommand)
def resolve(
    complaint: Annotated[str, Argument(metavar="COMPLAINT", parser=whole_id, help="cm_…")],
    outcome: Annotated[Outcome, Option(help="How it ends.")],
    answer: Annotated[str, Option(help="The answer to the complainant.")],
) -> None:
    """Resolve a complaint."""
    from hub.consignments import commands

    writing.act(lambda uow: commands.resolve(uow, complaint, outcome, answer))
    output.say(f"{complaint}: {outcome}")


@app.command(cls=WriteCommand)
def incident(
    consignment: Id,
    kind: Annotated[IncidentKind, Option(help="Thất lạc hay hư hỏng.")],
    liable: Annotated[Liable, Option(help="Who is liable.")],
    note: Annotated[str, Option(help="What happened, in one sentence.")],
    compensation: Annotated[int, Option(min=0, help="Compensation paid, in đồng.")] = 0,
) -> None:
    """Record a loss or damage, who is liable and what is paid (QĐ 45/2016 Đ14)."""
    from hub.consignments import commands

    incident_id = writing.act(lambda uow: commands.record(uow, consignment, kind, liable, compensation, note))
    sys.stdout.write(incident_id + "\n")


@app.command()
def report(
    operator: Annotated[str, Argument(help="buu-dien-ngsp")],
    quarter: Annotated[str, Argument(help="2026-Q4")],
    csv: Annotated[Path | None, Option(help="Also write it to this CSV file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print an operator's quarterly report: volumes, on-time share, complaints, losses, and its due date."""
    from hub import clock
    from hub.consignments import report as reports

    today = clock.local(clock.now()).date()
    try:
        with environment.database() as conn:
            quarter_report = reports.make(conn, operator, quarter, today)
    except ValueError as error:
        leave(ExitCode.USAGE, f"hub: {error}")
    if csv is not None:
        files.write(csv, reports.as_csv(quarter_report).encode("utf-8-sig"))
    if as_json:
        output.document(reports.as_data(quarter_report))
        return
    rows = [{"name": name, "value": value} for name, value in reports.as_rows(quarter_report)]
    output.listing(rows, (TableColumn("name", vi("Indicator")), TableColumn("value", vi("Value"))), as_json=False)


@pool.command("add", cls=WriteCommand)
def pool_add(
    operator: Annotated[str, Argument(help="buu-dien-lgsp")],
    codes: Annotated[FileText, Argument(help="A file with a code on each line; - is stdin.")],
) -> None:
    """Add pre-printed codes to an operator's pool. All are refused if one has a wrong check digit."""
    from hub.consignments import commands

    codes_read = [line.strip() for line in codes if line.strip()]
    added = writing.act(lambda uow: commands.add_codes(uow, operator, codes_read))
    output.say(vi("{added} new codes, {known} known already", added=added, known=len(codes_read) - added))


@pool.command("list")
def pool_list(as_json: AsJson = False) -> None:
    """List how many codes each operator's pool has left."""
    from hub.consignments import store

    with environment.database() as conn:
        rows = store.pool(conn)
    columns = (
        TableColumn("operator", vi("Postal operator")),
        TableColumn("free", vi("Left")),
        TableColumn("used", vi("Used")),
    )
    output.listing(rows, columns, as_json=as_json)
