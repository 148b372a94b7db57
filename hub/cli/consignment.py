"""hub consignment: what the post carries, what waits for a person, and what a person may do about it."""

import sys
from typing import Annotated, Any, Final

from typer import Argument, Option, Typer

from hub.cli import environment, output, postal_desk, writing
from hub.cli.consignment_print import print_
from hub.cli.exits import Code, leave
from hub.cli.ids import whole_id
from hub.cli.output import AsJson, Column, Limit
from hub.cli.wording import JOURNAL
from hub.cli.writing import DryRun, Reason, Verb, Yes
from hub.consignments.model import DIRECTIONS, LABELS, Direction, Service, Status
from hub.consignments.words import CONCERNS

app: Final = Typer(help="Consignments (bưu gửi): list, order, follow, complain, report.", no_args_is_help=True)

app.registered_commands += postal_desk.app.registered_commands
app.add_typer(postal_desk.pool, name="pool")
app.command("print")(print_)

Name = Annotated[str, Argument(metavar="CONSIGNMENT", parser=whole_id, help="cs_…, the order number or the item code")]

_COLUMNS: Final = (
    Column("id", "Bưu gửi"),
    Column("order_number", "Số đơn"),
    Column("item_code", "Mã bưu gửi"),
    Column("direction", "Chiều", lambda direction: DIRECTIONS[Direction(direction)]),
    Column("status", "Trạng thái", lambda status: LABELS[Status(status)]),
    Column("status_at", "Từ", output.since),
    Column("promised_on", "Hạn J+n"),
    Column("attention", "Cần xem"),
)
_FIELDS: Final = (
    *_COLUMNS,
    Column("operator", "Bưu chính"),
    Column("service", "Dịch vụ"),
    Column("seal_number", "Số niêm phong"),
    Column("route_class", "Loại tuyến"),
    Column("cash", "Thu hộ (đồng)"),
    Column("handoff_id", "Bàn giao"),
    Column("transfer_id", "Lần chuyển"),
    Column("ordered_at", "Đặt lúc", output.moment),
    Column("posted_on", "Ngày gửi (J)"),
    Column("heard_at", "Tin cuối", output.moment),
    Column("reason", "Lý do"),
    Column("settled_at", "Kết thúc", output.moment),
)
_MANIFEST: Final = (
    Column("number", "TT"),
    Column("dossier_code", "Mã hồ sơ"),
    Column("kind", "Loại"),
    Column("title", "Tên giấy tờ"),
    Column("originals", "Bản chính"),
    Column("copies", "Bản sao"),
)
_EVENTS: Final = (
    Column("at", "Xảy ra lúc", output.moment),
    Column("status", "Trạng thái", lambda status: LABELS[Status(status)]),
    Column("code", "Mã của bưu chính"),
    Column("place", "Nơi"),
    Column("noted_at", "Biết lúc", output.moment),
)
_CONCERNS: Final = (
    Column("id", "Số"),
    Column("kind", "Việc cần làm", lambda kind: CONCERNS[kind]),
    Column("raised_at", "Từ", output.since),
    Column("cleared_at", "Xong lúc", output.moment),
    Column("cleared_by", "Bởi"),
)
_ATTENTION: Final = (
    Column("id", "Số"),
    Column("kind", "Việc cần làm", lambda kind: CONCERNS[kind]),
    Column("subject", "Bưu gửi / hồ sơ"),
    Column("order_number", "Số đơn"),
    Column("item_code", "Mã bưu gửi"),
    Column("raised_at", "Từ", output.since),
    Column("promised_on", "Hạn J+n"),
)


@app.command("list")
def list_(
    status: Annotated[Status | None, Option(help="Only these.")] = None,
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
        leave(Code.FINDING, f"{len(rows)} bưu gửi, {waiting} cần người xem: hub consignment attention")


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
        leave(Code.FINDING, f"{len(rows)} việc chờ người xử lý")


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
    from hub.consignments import desk

    with environment.house() as hub:
        writing.each(
            "dismiss",
            [str(number) for number in numbers],
            lambda one: dispatch.act(hub, writing.actor(), lambda work: desk.dismiss(work, int(one), reason)),
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
    from hub.consignments import desk
    from hub.consignments.arranging import Wish

    wish = Wish(
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
    with environment.house() as hub:
        sys.stdout.write(dispatch.act(hub, writing.actor(), lambda work: desk.order(work, wish)) + "\n")


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
    from hub.consignments import desk

    with environment.house() as hub:
        writing.each(
            "cancel",
            ids,
            lambda one: dispatch.act(hub, writing.actor(), lambda work: desk.cancel(work, one, reason)),
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
