"""hub consignment: complaints, losses, the operator's quarter, pre-printed codes."""

import sys
from pathlib import Path
from typing import Annotated, Final

from typer import Argument, FileText, Option, Typer

from hub.cli import environment, files, output, writing
from hub.cli.exits import ExitCode, leave
from hub.cli.ids import whole_id
from hub.cli.output import AsJson, TableColumn
from hub.cli.writing import Verb
from hub.consignments.words import IncidentKind, Liable, Outcome, Subject

app: Final = Typer()
pool: Final = Typer(help="Pre-printed item codes (mã bưu gửi in sẵn).", no_args_is_help=True)

Id = Annotated[str, Argument(metavar="CONSIGNMENT", parser=whole_id, help="cs_…")]


@app.command(cls=Verb)
def complain(
    consignment: Id,
    subject: Annotated[Subject, Option(help="What about.")],
    detail: Annotated[str, Option(help="In a sentence; no names.")],
) -> None:
    """File a complaint (TT 17/2017). Its id on stdout."""
    from hub import dispatch
    from hub.consignments import commands

    with environment.hub() as hub:
        filed = dispatch.run_command(
            hub, writing.actor(), lambda uow: commands.complain(uow, consignment, subject, detail)
        )
    sys.stdout.write(filed + "\n")


@app.command(cls=Verb)
def resolve(
    complaint: Annotated[str, Argument(metavar="COMPLAINT", parser=whole_id, help="cm_…")],
    outcome: Annotated[Outcome, Option(help="How it ends.")],
    answer: Annotated[str, Option(help="What the one who complained is told.")],
) -> None:
    """Settle a complaint."""
    from hub import dispatch
    from hub.consignments import commands

    with environment.hub() as hub:
        dispatch.run_command(hub, writing.actor(), lambda uow: commands.resolve(uow, complaint, outcome, answer))
    output.say(f"{complaint}: {outcome}")


@app.command(cls=Verb)
def incident(
    consignment: Id,
    kind: Annotated[IncidentKind, Option(help="Thất lạc hay hư hỏng.")],
    liable: Annotated[Liable, Option(help="Who answers for it.")],
    note: Annotated[str, Option(help="What happened, in a sentence.")],
    compensation: Annotated[int, Option(min=0, help="Đồng that are paid.")] = 0,
) -> None:
    """Write down a loss or damage, who is liable and what is paid (QĐ 45/2016 Đ14)."""
    from hub import dispatch
    from hub.consignments import commands

    with environment.hub() as hub:
        written = dispatch.run_command(
            hub, writing.actor(), lambda uow: commands.record(uow, consignment, kind, liable, compensation, note)
        )
    sys.stdout.write(written + "\n")


@app.command()
def report(
    operator: Annotated[str, Argument(help="buu-dien-ngsp")],
    quarter: Annotated[str, Argument(help="2026-Q4")],
    csv: Annotated[Path | None, Option(help="Also into this file, for a spreadsheet.")] = None,
    as_json: AsJson = False,
) -> None:
    """The operator's quarter: volumes, on-time share, complaints, losses; and the day it is due before."""
    from hub import clock
    from hub.consignments import report as reports

    today = clock.local(clock.now()).date()
    try:
        with environment.database() as conn:
            made = reports.make(conn, operator, quarter, today)
    except ValueError as error:
        leave(ExitCode.USAGE, f"hub: {error}")
    if csv is not None:
        files.write(csv, reports.as_csv(made).encode("utf-8-sig"))
    if as_json:
        output.document(reports.as_data(made))
        return
    rows = [{"name": name, "value": value} for name, value in reports.as_rows(made)]
    output.listing(rows, (TableColumn("name", "Chỉ tiêu"), TableColumn("value", "Giá trị")), as_json=False)


@pool.command("add", cls=Verb)
def pool_add(
    operator: Annotated[str, Argument(help="buu-dien-lgsp")],
    codes: Annotated[FileText, Argument(help="A file with a code on each line; - is stdin.")],
) -> None:
    """Put pre-printed codes into the operator's pool. A wrong check digit refuses them all."""
    from hub import dispatch
    from hub.consignments import commands

    found = [line.strip() for line in codes if line.strip()]
    with environment.hub() as hub:
        added = dispatch.run_command(hub, writing.actor(), lambda uow: commands.add_codes(uow, operator, found))
    output.say(f"{added} mã mới, {len(found) - added} đã có")


@pool.command("list")
def pool_list(as_json: AsJson = False) -> None:
    """How many codes each operator's pool has left."""
    from hub.consignments import views

    with environment.database() as conn:
        rows = views.pool(conn)
    columns = (TableColumn("operator", "Bưu chính"), TableColumn("free", "Còn"), TableColumn("used", "Đã dùng"))
    output.listing(rows, columns, as_json=as_json)
