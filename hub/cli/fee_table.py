"""hub fee table, send, remit, verify: a department's month, from its table to its money."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from typer import Argument, Option, Typer

from hub.cli import dates, environment, files, output, writing
from hub.cli.exits import ExitCode, leave
from hub.cli.handoff_bundle import TrustFile
from hub.cli.output import AsJson, TableColumn
from hub.cli.writing import Reason, Verb
from schemas.figures import grouped

if TYPE_CHECKING:
    from hub.app import Hub
    from hub.db import Connection
    from hub.fees.settlements.model import Settlement
    from hub.signing.trust import Trust
    from hub.unit_of_work import UnitOfWork

app: Final = Typer()

Month = Annotated[datetime, Argument(parser=dates.month, metavar="MONTH", help="2026-10")]
Department = Annotated[str | None, Option("--department", "-d", help="Only this one, by its code.")]
ENDINGS: Final = (".json", ".xlsx", ".pdf", ".zip")


_TABLES: Final = (
    TableColumn("department", "Cơ quan"),
    TableColumn("label", "Trạng thái"),
    TableColumn("opening", "Kỳ trước sang", grouped),
    TableColumn("receipts", "Thu", grouped),
    TableColumn("refunds", "Hoàn trả", grouped),
    TableColumn("adjustments", "Điều chỉnh", grouped),
    TableColumn("retained", "Để lại", grouped),
    TableColumn("net", "Phải chuyển", grouped),
    TableColumn("disputed", "Không đồng ý", grouped),
    TableColumn("id", "Bảng"),
    TableColumn("sha256", "SHA-256", lambda digest: digest[:16]),
)


@app.command()
def table(
    month: Month,
    department: Department = None,
    out: Annotated[
        Path | None, Option("--output", "-o", help="FILE.xlsx, .pdf, .json (and .p7s beside it), or .zip: the package.")
    ] = None,
    officer: Annotated[str | None, Option(help="Who signs the PDF, by the roster's id; else who is on duty.")] = None,
    *,
    unsigned: Annotated[bool, Option("--unsigned", help="The PDF without signatures, to be looked at.")] = False,
    as_json: AsJson = False,
) -> None:
    """The tables of a month that is closed; with -o one of them as a file. The package of a transferred month is
    its papers handed over, which is noted.
    """
    from hub.cli import fee_table_files
    from hub.fees.settlements import store

    if out is not None and out.suffix not in ENDINGS:
        leave(ExitCode.USAGE, f"hub: {out}: bảng được ghi thành {', '.join(ENDINGS)}")
    if out is not None:
        files.check(out)
    with environment.hub() as hub:
        chosen = found(hub, month, department)
        if out is None:
            output.listing([store.as_row(one) for one in chosen], _TABLES, as_json=as_json)
            return
        if len(chosen) != 1:
            leave(
                ExitCode.USAGE, f"hub: chọn một cơ quan bằng --department: {' '.join(one.department for one in chosen)}"
            )
        written = fee_table_files.written(hub, chosen[0], out.suffix, officer, unsigned=unsigned)
        for suffix, content in written.items():
            files.write(out.with_suffix(suffix), content)
            output.say(f"{out.with_suffix(suffix)}: {len(content)} byte")


@app.command(cls=Verb)
def send(month: Month, department: Department = None) -> None:
    """Hand the tables of a month to their departments. What was handed over already is left as it is."""
    from hub.fees.settlements import sending
    from hub.fees.settlements.model import SettlementState

    with environment.hub() as hub:
        for settlement in found(hub, month, department):
            if settlement.state != SettlementState.COMPUTED:
                output.say(f"{settlement.department}: {SettlementState(settlement.state).label}")
                continue
            act(hub, lambda uow, one=settlement.id: sending.send(uow, one))  # type: ignore[misc]
            output.say(f"{settlement.department}: đã gửi ✔")


@app.command(cls=Verb)
def remit(month: Month, *, department: Department = None, reason: Reason) -> None:
    """Order the transfer of what departments have confirmed; another person approves it: hub fee orders approve.

    Says how much of it no statement has shown yet. Exit 5 where nothing is ordered.
    """
    from hub.fees.settlements import ordering
    from hub.fees.settlements.model import SettlementState

    with environment.hub() as hub:
        tables = found(hub, month, department)
        for settlement in tables:
            if settlement.state not in ordering.ANSWERED:
                output.say(f"{settlement.department}: {SettlementState(settlement.state).label}")
        answered = [settlement for settlement in tables if settlement.state in ordering.ANSWERED]
        if not answered:
            leave(ExitCode.REFUSED, f"hub: tháng {month:%m/%Y} không có bảng nào chờ chuyển: không lập lệnh chi nào")
        for settlement in answered:
            with hub.db.connection() as conn:
                warn_unshown(conn, settlement.id, settlement.department)
            order = act(hub, lambda uow, one=settlement.id: ordering.remit(uow, one, reason))  # type: ignore[misc]
            output.say(f"{settlement.department}: {order.id} {order.reference} {grouped(order.amount)} ✔")


@app.command()
def verify(
    file: Annotated[
        Path,
        Argument(metavar="FILE", exists=True, help="A package, the folder it was unpacked to, or a printed table."),
    ],
    trust: TrustFile = None,
    offline: Annotated[bool, Option("--offline", help="Without a database: --trust has to be given.")] = False,
    as_json: AsJson = False,
) -> None:
    """VALID (exit 0), INVALID (3) or CANNOT TELL (4: evidence is missing), with the reasons; 2: not a package."""
    from hub.cli import fee_table_files, handoff_bundle

    believed: Trust = handoff_bundle.trust_of(trust, offline=offline)
    handoff_bundle.tell(fee_table_files.judged(file, believed), as_json=as_json)


def warn_unshown(conn: "Connection", settlement_id: str, of: str) -> None:
    """Say on stderr how much of a table no statement has shown yet; nothing where all is shown."""
    from hub.fees.settlements import unshown

    missing = unshown.of(conn, settlement_id)
    if missing.amount:
        output.say(
            f"chú ý: {of}: {grouped(missing.amount)} đ của {missing.demands} yêu cầu nộp mới chỉ được báo có, chưa có"
            " trên sao kê nào (hub fee exceptions list --code N01)"
        )


def found(hub: "Hub", month: datetime, department: str | None) -> "list[Settlement]":
    """The tables of the month that stand; the command ends where there is none."""
    from hub.fees.settlements import store

    with hub.db.connection() as conn:
        standing = store.of_month(conn, month.date(), department)
    if not standing:
        of = f" của {department}" if department else ""
        leave(
            ExitCode.NOT_FOUND,
            f"hub: tháng {month:%m/%Y} chưa có bảng{of}; bảng được lập khi khóa tháng: hub fee close --month",
        )
    return standing


def act(hub: "Hub", verb: "Callable[[UnitOfWork], Any]") -> Any:
    """What ``verb`` gives, done by whoever is at the keyboard."""
    from hub import dispatch

    def whole(uow: "UnitOfWork") -> tuple[Any, list[Any]]:
        done = verb(uow)
        return done, done if isinstance(done, list) else []

    return dispatch.run_command(hub, writing.actor(), whole)
