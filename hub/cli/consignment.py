"""hub consignment: what the post carries, what waits for a person, and what a person may do about it."""

import sys
from typing import Annotated, Any, Final

from typer import Argument, Option, Typer

from hub.cli import consignment_commands, environment, output, writing
from hub.cli.consignment_print import print_
from hub.cli.exits import ExitCode, leave
from hub.cli.ids import whole_id
from hub.cli.output import AsJson, Limit, TableColumn
from hub.cli.wording import JOURNAL
from hub.cli.writing import DryRun, Reason, Verb, Yes
from hub.consignments.model import DIRECTIONS, LABELS, ConsignmentStatus, Direction, Service
from hub.consignments.words import CONCERNS

app: Final = Typer(help="Consignments (bưu gửi): list, order, follow, complain, report.", no_args_is_help=True)

app.registered_commands += consignment_commands.app.registered_commands
app.add_typer(consignment_commands.pool, name="pool")
app.command("print")(print_)

Name = Annotated[str, Argument(metavar="CONSIGNMENT", parser=whole_id, help="cs_…, the order number or the item code")]

_COLUMNS: Final = (
    TableColumn("id", "Bưu gửi"),
    TableColumn("order_number", "Số đơn"),
    TableColumn("item_code", "Mã bưu gửi"),
    TableColumn("direction", "Chiều", lambda direction: DIRECTIONS[Direction(direction)]),
    TableColumn("status", "Trạng thái", lambda status: LABELS[ConsignmentStatus(status)]),
    TableColumn("status_at", "Từ", output.since),
    TableColumn("promised_on", "Hạn J+n"),
    TableColumn("attention", "Cần xem"),
)
_FIELDS: Final = (
    *_COLUMNS,
    TableColumn("operator", "Bưu chính"),
    TableColumn("service", "Dịch vụ"),
    TableColumn("seal_number", "Số niêm phong"),
    TableColumn("route_class", "Loại tuyến"),
    TableColumn("cash", "Thu hộ (đồng)"),
    TableColumn("handoff_id", "Bàn giao"),
    TableColumn("transfer_id", "Lần chuyển"),
    TableColumn("ordered_at", "Đặt lúc", output.moment),
    TableColumn("posted_on", "Ngày gửi (J)"),
    TableColumn("heard_at", "Tin cuối", output.moment),
    TableColumn("reason", "Lý do"),
    TableColumn("settled_at", "Kết thúc", output.moment),
)
_MANIFEST: Final = (
    TableColumn("number", "TT"),
    TableColumn("dossier_code", "Mã hồ sơ"),
    TableColumn("kind", "Loại"),
    TableColumn("title", "Tên giấy tờ"),
    TableColumn("originals", "Bản chính"),
    TableColumn("copies", "Bản sao"),
)
_EVENTS: Final = (
    TableColumn("at", "Xảy ra lúc", output.moment),
    TableColumn("status", "Trạng thái", lambda status: LABELS[ConsignmentStatus(status)]),
    TableColumn("code", "Mã của bưu chính"),
    TableColumn("place", "Nơi"),
    TableColumn("noted_at", "Biết lúc", output.moment),
)
_CONCERNS: Final = (
    TableColumn("id", "Số"),
    TableColumn("kind", "Việc cần làm", lambda kind: CONCERNS[kind]),
    TableColumn("raised_at", "Từ", output.since),
    TableColumn("cleared_at", "Xong lúc", output.moment),
    TableColumn("cleared_by", "Bởi"),
)
_ATTENTION: Final = (
    TableColumn("id", "Số"),
    TableColumn("kind", "Việc cần làm", lambda kind: CONCERNS[kind]),
    TableColumn("subject", "Bưu gửi / hồ sơ"),
    TableColumn("order_number", "Số đơn"),
    TableColumn("item_code", "Mã bưu gửi"),
    TableColumn("raised_at", "Từ", output.since),
    TableColumn("promised_on", "Hạn J+n"),
)


@app.command("list")
def list_(
    status: Annotated[ConsignmentStatus | None, Option(help="Only these.")] = None,
    operator: Annotated[str | None, Option(help="Only of this one: buu-dien-ngsp")] = None,
    is_open: Annotated[bool, Option("--open", help="Only those of which more is expected.")] = False,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Consignments, oldest first. Exit 3 if a listed one waits for a person."""
    from hub.consignments import views

    with environment.database() as conn:
        rows = views.consignments(conn, status=status, operator=operator, is_open=is_open, limit=limit)
    output.listing(rows, _COLUMNS, as_json=as_json)
    waiting = sum(row["attention"] > 0 for row in rows)
    if waiting:
        leave(ExitCode.FINDING, f"{len(rows)} bưu gửi, {waiting} cần người xem: hub consignment attention")


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """One consignment: its manifest, its way, what waits for a person, who did what. No names, no addresses."""
    row = _found(name)
    if as_json:
        output.document(row)
        return
    output.fields(row, _FIELDS)
    for key, columns in (("manifest", _MANIFEST), ("events", _EVENTS), ("concerns", _CONCERNS), ("journal", JOURNAL)):
        output.say("")
        output.listing(row[key], columns, as_json=False)


@app.command()
def manifest(name: Name, as_json: AsJson = False) -> None:
    """The bag's manifest (bảng kê): which dossier's papers lie in it."""
    output.listing(_found(name)["manifest"], _MANIFEST, as_json=as_json)


@app.command()
def attention(limit: Limit = 50, as_json: AsJson = False) -> None:
    """What waits for a person: silent, late, lost, refused, … Exit 3 if there is any."""
    from hub.consignments import views

    with environment.database() as conn:
        rows = views.attention(conn, limit=limit)
    output.listing(rows, _ATTENTION, as_json=as_json)
    if rows:
        leave(ExitCode.FINDING, f"{len(rows)} việc chờ người xử lý")


@app.command()
def dismiss(
    numbers: Annotated[list[int], Argument(metavar="NUMBER...", help="from: hub consignment attention")],
    *,
    reason: Reason,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """It has been seen to; this occasion is not raised again."""
    from hub import dispatch
    from hub.consignments import commands

    with environment.hub() as hub:
        writing.each(
            "dismiss",
            [str(number) for number in numbers],
            lambda one: dispatch.run_command(hub, writing.actor(), lambda uow: commands.dismiss(uow, int(one), reason)),
            yes=yes,
            dry_run=dry_run,
        )


@app.command(cls=Verb)
def order(
    dossiers: Annotated[
        list[str], Argument(metavar="DOSSIER...", parser=whole_id, help="sub_… or dossier codes; several make a bag")
    ],
    direction: Annotated[Direction, Option(help="From whom to whom.")],
    service: Annotated[Service | None, Option(help="QĐ 45/2016 Đ5; unset: as the direction has it.")] = None,
    operator: Annotated[str | None, Option(help="Unset: the Centre's, from portal.toml.")] = None,
    route: Annotated[str | None, Option(help="Class of routes (J+n); unset: by the two provinces.")] = None,
    from_department: Annotated[str | None, Option("--from", help="Department code, between agencies.")] = None,
    to_department: Annotated[str | None, Option("--to", help="Department code, between agencies.")] = None,
    cash: Annotated[
        int | None, Option(min=0, help="Đồng to collect from the receiver; unset: with a result, what its fees lack.")
    ] = None,
    seal: Annotated[str | None, Option(help="Number of the seal.")] = None,
    item_code: Annotated[str | None, Option(help="A pre-printed code; unset: the next of the pool.")] = None,
) -> None:
    """Have the operator carry papers or results. Its id on stdout."""
    from hub import dispatch
    from hub.consignments import commands
    from hub.consignments.arranging import DeliveryWish

    wish = DeliveryWish(
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
    with environment.hub() as hub:
        sys.stdout.write(dispatch.run_command(hub, writing.actor(), lambda uow: commands.order(uow, wish)) + "\n")


@app.command()
def cancel(
    ids: Annotated[list[str], Argument(metavar="CONSIGNMENT...", parser=whole_id, help="cs_…")],
    *,
    reason: Reason,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Take orders back that have not been collected."""
    from hub import dispatch
    from hub.consignments import commands

    with environment.hub() as hub:
        writing.each(
            "cancel",
            ids,
            lambda one: dispatch.run_command(hub, writing.actor(), lambda uow: commands.cancel(uow, one, reason)),
            yes=yes,
            dry_run=dry_run,
        )


def _found(name: str) -> dict[str, Any]:
    from hub.consignments import views
    from hub.errors import NotFound

    with environment.database() as conn:
        row = views.consignment(conn, name)
    if row is None:
        raise NotFound(f"no consignment is called {name}")
    return row
