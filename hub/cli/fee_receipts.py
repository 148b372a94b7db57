"""hub fee receipts: what was issued for paid fees, what is void, and the day's summary for the tax office."""

import csv
import io
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

from typer import Argument, Option, Typer

from hub.cli import arguments, environment, files, output, writing
from hub.cli.arguments import whole_id
from hub.cli.exits import ExitCode, leave
from hub.cli.output import TRANSFER_STATES, AsJson, Limit, TableColumn
from hub.cli.writing import Reason, Verb
from schemas.figures import grouped

app: Final = Typer(help="Receipts (biên lai điện tử): list, show, issue, void, a day's summary.", no_args_is_help=True)

STATES: Final = {"stands": "Còn hiệu lực", "void proposed": "Đề nghị hủy", "void": "Đã hủy"}
_ISSUER: Final = {
    "not told": "Không gửi",
    "waits": "Chờ phát hành",
    "published": "Đã phát hành",
    "void waits": "Chờ hủy",
    "other number": "Khác số (M03)",
}
_KINDS: Final = {"phi": "Phí", "le_phi": "Lệ phí"}

Receipt = Annotated[
    str, Argument(metavar="RECEIPT", parser=whole_id, help="its id (rc_…), from: hub fee receipts list")
]
Day = Annotated[
    datetime | None, Option(parser=arguments.day, metavar=arguments.DAY, help="Only what was issued on this day.")
]


_LISTED: Final = (
    TableColumn("id", "Mã"),
    TableColumn("series", "Ký hiệu"),
    TableColumn("number", "Số", lambda number: f"{number:08}"),
    TableColumn("issued_on", "Ngày"),
    TableColumn("kind", "Loại", lambda kind: _KINDS[kind]),
    TableColumn("amount", "Số tiền", grouped),
    TableColumn("dossier_code", "Hồ sơ"),
    TableColumn("state", "Trạng thái", lambda state: STATES[state]),
    TableColumn("issuer", "Nơi phát hành", lambda issuer: _ISSUER[issuer]),
)


_SHOWN: Final = (
    TableColumn("id", "Mã"),
    TableColumn("name", "Tên"),
    TableColumn("series", "Ký hiệu"),
    TableColumn("number", "Số", lambda number: f"{number:08}"),
    TableColumn("issued_at", "Lập lúc", lambda at: output.moment(datetime.fromisoformat(at))),
    TableColumn("amount", "Số tiền", grouped),
    TableColumn("amount_in_words", "Bằng chữ"),
    TableColumn("department_name", "Cơ quan"),
    TableColumn("dossier_code", "Mã hồ sơ"),
    TableColumn("reference", "Mã thanh toán"),
    TableColumn("state", "Trạng thái", lambda state: STATES[state]),
    TableColumn("issuer", "Nơi phát hành", lambda issuer: _ISSUER[issuer]),
    TableColumn("published_at", "Phát hành lúc", output.moment),
    TableColumn("void_reason", "Lý do hủy"),
    TableColumn("void_maker", "Đề nghị hủy"),
    TableColumn("voided_by", "Người đồng ý hủy"),
    TableColumn("voided_at", "Hủy lúc", output.moment),
    TableColumn("void_notified_at", "Báo hủy lúc", output.moment),
    TableColumn("chain", "Thay cho"),
)
_LINES: Final = (
    TableColumn("fee_code", "Mã khoản"),
    TableColumn("title", "Khoản thu"),
    TableColumn("amount", "Số tiền", grouped),
)
_TRANSFERS: Final = (
    TableColumn("id", "Lần chuyển"),
    TableColumn("kind", "Việc", lambda kind: {"receipt.issue": "phát hành", "receipt.void": "hủy"}.get(kind, kind)),
    TableColumn("state", "Trạng thái", lambda state: TRANSFER_STATES[state]),
    TableColumn("error_code", "Lỗi"),
)


@app.command("list")
def list_(
    day: Day = None,
    state: Annotated[str | None, Option(help=f"One of: {', '.join(STATES)}.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Receipts, the newest first."""
    from hub.fees.receipts import views

    if state is not None and state not in STATES:
        leave(ExitCode.USAGE, f"hub: trạng thái biên lai là một trong: {', '.join(STATES)}")
    with environment.database() as conn:
        rows = views.listing(conn, day=day.date() if day else None, state=state, limit=limit)
    output.listing([{**row, "issued_on": row["issued_on"].isoformat()} for row in rows], _LISTED, as_json=as_json)


@app.command()
def show(receipt: Receipt, as_json: AsJson = False) -> None:
    """One receipt: what it says, in whose place it stands, what the issuer was told."""
    import json

    from hub.fees.receipts import views

    with environment.database() as conn:
        found = views.found(conn, receipt)
    if found is None:
        leave(ExitCode.NOT_FOUND, f"hub: không có biên lai {receipt}")
    says = json.loads(bytes(found.pop("body")))
    if as_json:
        output.document({**found, "says": says})
        return
    chain = [f"{one['series']} số {one['number']:08}, đã hủy: {one['void_reason']}" for one in found["chain"]]
    output.fields({**found, **says, "chain": "; ".join(chain) or None}, _SHOWN)
    output.say("")
    output.listing(says["lines"], _LINES, as_json=False)
    output.say("")
    output.listing(found["transfers"], _TRANSFERS, as_json=False)


@app.command(cls=Verb)
def issue(
    demand: Annotated[
        str | None, Argument(metavar="[DEMAND]", parser=whole_id, help="only for this one (fd_…)")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Issue what is missing now instead of at the next tick, and void what has no money any more."""
    from hub import dispatch
    from hub.fees.receipts import issuing, policy, voiding
    from hub.worker.jobs import issue_receipts

    with environment.hub() as hub:
        desk = hub.catalogue.receipts
        if desk is None:
            leave(ExitCode.USAGE, "hub: danh mục không có receipts.toml: không phát hành biên lai")
        if demand is None:
            done = issue_receipts.issue_and_void(hub)
        else:
            dispatch.run_command(hub, voiding.BY_ITSELF, lambda uow: (None, policy.keep(uow, desk.issue_on)))
            dispatch.run_command(hub, writing.actor(), lambda uow: (None, issuing.issue(uow, demand)))
            done = 1
    if as_json:
        output.document({"done": done})
    else:
        output.say(f"{done} yêu cầu nộp được lập hoặc hủy biên lai ✔")


@app.command(cls=Verb)
def void(receipt: Receipt, reason: Reason) -> None:
    """It is wrong. Takes two persons; where the fee is still paid, another is issued in its place."""
    from hub.fees.receipts import voiding

    agreed = writing.act(lambda uow: (voiding.void(uow, receipt, reason), []))
    output.say(f"{receipt}: đã hủy ✔" if agreed else f"{receipt}: đã đề nghị hủy; người thứ hai chạy lại đúng lệnh này")


@app.command()
def summary(
    day: Annotated[datetime, Argument(parser=arguments.day, metavar="DAY", help="2026-11-24")],
    file: Annotated[Path | None, Option("-o", "--output", help=".json (signed: FILE.p7s beside it) or .csv")] = None,
    as_json: AsJson = False,
) -> None:
    """The summary of a day's receipts (bảng tổng hợp trong ngày), which the tax office has on the same day."""
    if file is not None and file.suffix not in {".json", ".csv"}:
        leave(ExitCode.USAGE, "hub: bảng kê là tệp .json hoặc .csv")
    found = _summary(day.date())
    if file is None:
        _printed(found, as_json=as_json)
    elif file.suffix == ".csv":
        from hub.fees.receipts.summary import table

        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows(table(found))
        files.write(file, b"\xef\xbb\xbf" + text.getvalue().encode())
    else:
        _signed(found, file)
    if file is not None:
        output.say(f"{file} ✔")


def _summary(day: date) -> Any:
    from hub.fees.receipts.summary import of_day

    with environment.hub() as hub, hub.db.connection() as conn:
        if hub.catalogue.receipts is None:
            leave(ExitCode.USAGE, "hub: danh mục không có receipts.toml: không phát hành biên lai")
        return of_day(conn, hub.catalogue.receipts, day)


def _printed(found: Any, *, as_json: bool) -> None:
    from hub.fees.receipts.summary import table

    if as_json:
        output.document(found.model_dump(mode="json"))
        return
    heads, *rows = table(found)
    columns = tuple(TableColumn(str(head), str(head), _cell) for head in heads)
    output.listing([dict(zip(map(str, heads), row, strict=True)) for row in rows], columns, as_json=False)


def _cell(value: str | int) -> str:
    return grouped(value) if isinstance(value, int) else value


def _signed(found: Any, file: Path) -> None:
    from hub import clock
    from hub.signing import canonical

    content = canonical.encode(found.model_dump(mode="json"))
    with environment.hub() as hub:
        signature = hub.signer.sealed(content, clock.now())
    files.write(file, content)
    files.write(file.with_name(f"{file.name}.p7s"), signature)
