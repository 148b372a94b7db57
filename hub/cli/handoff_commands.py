"""hub handoff list, show, sign, minute: what a handoff has come to, and what a person adds to it."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from typer import Argument, Option

from hub.cli import environment, files, output, writing
from hub.cli.exits import ExitCode, leave
from hub.cli.files import read_sent
from hub.cli.ids import whole_id
from hub.cli.output import AsJson, Limit, TableColumn
from hub.cli.wording import JOURNAL

HandoffId = Annotated[str, Argument(metavar="HANDOFF", parser=whole_id, help="hd_…")]
Shown = Literal["unsigned", "prepared", "acknowledged", "complete", "refused"]

STATES: Final[dict[str, str]] = {
    "unsigned": "chờ ký",
    "prepared": "đã ký, đang chuyển",
    "acknowledged": "bên nhận đã nhận",
    "complete": "hoàn tất",
    "refused": "bị từ chối",
}
RESULTS: Final[dict[str, str]] = {"none": "", "early": "trước hạn", "on_time": "đúng hạn", "late": "quá hạn"}
ACTS: Final[dict[str, str]] = {"transfer": "chuyển", "return": "trả kết quả"}
CARRIERS: Final[dict[str, str]] = {"wire": "qua mạng", "post": "qua bưu chính"}

_COLUMNS: Final = (
    TableColumn("id", "Bàn giao"),
    TableColumn("dossier_code", "Mã hồ sơ"),
    TableColumn("leg", "Chặng"),
    TableColumn("act", "Việc", ACTS.__getitem__),
    TableColumn("department", "Sở"),
    TableColumn("status", "Trạng thái", STATES.__getitem__),
    TableColumn("prepared_at", "Giao lúc", output.since),
    TableColumn("lacks", "Còn thiếu"),
)
_FIELDS: Final = (
    *_COLUMNS,
    TableColumn("carrier", "Cách chuyển", CARRIERS.__getitem__),
    TableColumn("officer", "Người giao"),
    TableColumn("number", "Số của bên nhận"),
    TableColumn("taken_at", "Nhận lúc", output.moment),
    TableColumn("result", "Kết quả giải quyết", RESULTS.__getitem__),
    TableColumn("countersigned", "Bên nhận đã ký", lambda value: "có" if value else "không"),
    TableColumn("minute_at", "Biên bản lúc", output.moment),
    TableColumn("delivered_at", "Bưu chính phát lúc", output.moment),
    TableColumn("completed_at", "Hoàn tất lúc", output.moment),
    TableColumn("record_hash", "SHA-256 của bản ghi"),
    TableColumn("log_place", "Vị trí trong sổ lưu vết"),
    TableColumn("transfer_id", "Lần chuyển"),
)
_SIGNED: Final = (
    TableColumn("kind", "Bản ghi"),
    TableColumn("record_hash", "SHA-256"),
    TableColumn("signatures", "Chữ ký"),
    TableColumn("entered_at", "Vào sổ lúc", output.moment),
    TableColumn("place", "Vị trí"),
)
_UNSIGNABLE: Final = (
    TableColumn("id", "Bản tin"),
    TableColumn("received_at", "Nhận lúc", output.since),
    TableColumn("state", "Trạng thái"),
    TableColumn("tries", "Lần"),
    TableColumn("due_at", "Thử lại lúc", output.moment),
    TableColumn("error_code", "Lỗi"),
    TableColumn("error_detail", "Lý do"),
)


def list_(
    status: Annotated[Shown | None, Option(help="Only these.")] = None,
    department: Annotated[str | None, Option(help="Only this department's: so-tu-phap")] = None,
    limit: Limit = 50,
    *,
    unsigned: Annotated[
        bool, Option("--unsigned", help="What waits for an officer's signature, or could not be signed at all.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Handoffs, oldest first, with what each lacks. With --unsigned exit 3 if there is anything."""
    from hub.handoffs import views

    with environment.database() as conn:
        rows = views.handoffs(conn, status="unsigned" if unsigned else status, department=department, limit=limit)
        stopped = views.unsignable(conn, limit=limit) if unsigned else []
    if as_json and unsigned:
        output.document({"data": rows, "unsignable": stopped})
    else:
        output.listing(rows, _COLUMNS, as_json=as_json)
    if stopped and not as_json:
        output.say("Không ký được nên chưa chuyển (khắc phục, rồi hub inbox requeue):")
        output.listing(stopped, _UNSIGNABLE, as_json=False)
    if unsigned and (rows or stopped):
        leave(ExitCode.FINDING, f"{len(rows)} bàn giao chờ ký, {len(stopped)} bản tin không ký được")


def show(handoff_id: HandoffId, as_json: AsJson = False) -> None:
    """One handoff: both sides, what was signed about it, who did what."""
    from hub.errors import NotFound
    from hub.handoffs import views

    with environment.database() as conn:
        row = views.handoff(conn, handoff_id)
    if row is None:
        raise NotFound(f"no handoff has the id {handoff_id}")
    if as_json:
        output.document(row)
        return
    output.fields(row, _FIELDS)
    for rows, columns in ((row["signed"], _SIGNED), (row["journal"], JOURNAL)):
        output.say("")
        output.listing(rows, columns, as_json=False)


def sign(
    handoff_id: HandoffId,
    export: Annotated[Path | None, Option(help="Write the bytes to be signed to this file.")] = None,
    attach: Annotated[Path | None, Option(help="Take this signature: detached CAdES-B (.p7s, DER) over them.")] = None,
    *,
    renew: Annotated[
        bool, Option("--renew", help="Draw the record up anew for the officer who is on duty now.")
    ] = False,
) -> None:
    """For officers whose key is not here: take the record out, sign it elsewhere, bring the signature in."""
    from hub import dispatch
    from hub.handoffs import elsewhere

    if sum((export is not None, attach is not None, renew)) != 1:
        leave(ExitCode.USAGE, "hub: one of --export FILE, --attach FILE, --renew")
    with environment.hub() as hub:
        if export is not None:
            files.check(export)
            draft = dispatch.run_command(hub, writing.actor(), lambda uow: (elsewhere.exported(uow, handoff_id), []))
            files.write(export, draft)
            output.say(f"{export}: {len(draft)} byte; ký CAdES-B tách rời, rồi hub handoff sign --attach")
            return
        status: Any
        if attach is not None:
            signature = read_sent(attach)
            status = dispatch.run_command(
                hub, writing.actor(), lambda uow: elsewhere.attach(uow, handoff_id, signature)
            )
        else:
            status = dispatch.run_command(hub, writing.actor(), lambda uow: elsewhere.renew(uow, handoff_id))
    output.say(f"{handoff_id}: {STATES[status]}")


def minute(
    handoff_id: HandoffId,
    file: Annotated[Path, Option(help="The scan: PDF, PNG or JPEG, up to 10 MiB.", exists=True, dir_okay=False)],
    signed_by: Annotated[list[str], Option(help="Who signed it, as the minute names them; once for each.")],
    at: Annotated[datetime, Option(formats=["%Y-%m-%dT%H:%M"], help="The time that the minute states; the legal one.")],
) -> None:
    """Enter the signed minute (biên bản giao nhận) of a receiver that cannot sign digitally, or of papers by post."""
    from hub import dispatch
    from hub.clock import VIETNAM
    from hub.handoffs import minutes

    entered = minutes.ScannedMinute(file=read_sent(file), signers=tuple(signed_by), at=at.replace(tzinfo=VIETNAM))
    with environment.hub() as hub:
        status = dispatch.run_command(hub, writing.actor(), lambda uow: minutes.enter(uow, handoff_id, entered))
    output.say(f"{handoff_id}: {STATES[status]}")
