"""hub fee match: a day of an account matched, what is proposed, and what persons say to it."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from typer import Argument, Context, Option, Typer

from hub.cli import dates, environment, output, writing
from hub.cli.exits import Code, leave
from hub.cli.files import read_sent
from hub.cli.output import AsJson, Column, Limit
from hub.cli.writing import DryRun, Reason, Verb
from hub.fees.matching.words import CLASSES, PASSES, STATES
from schemas.figures import grouped

if TYPE_CHECKING:
    from hub.events import Event
    from hub.work import Work

app: Final = Typer(help="Matching (đối soát): run, list, confirm, reject, revoke; payout reports.")

Group = Annotated[int, Argument(metavar="GROUP", help="its number, from: hub fee match list")]
Account = Annotated[str | None, Option(help="Only this account.")]
Day = Annotated[datetime | None, Option(parser=dates.day, metavar=dates.DAY, help="Only what was booked on this day.")]

_RUNS: Final = (
    Column("account", "Tài khoản"),
    Column("day", "Ngày hạch toán"),
    Column("lines", "Dòng tiền vào"),
    Column("found", "Kết quả"),
    Column("digest", "Mã băm"),
)
_GROUPS: Final = (
    Column("id", "Số"),
    Column("pass", "Căn cứ", lambda name: f"{name} {PASSES[name]}"),
    Column("class", "Duyệt", lambda name: CLASSES[name]),
    Column("day", "Ngày hạch toán"),
    Column("line", "Dòng sao kê"),
    Column("came", "Số tiền", grouped),
    Column("reference", "Mã thanh toán"),
    Column("amount", "Tính cho mã", grouped),
    Column("shown", "Ghi trong nội dung"),
    Column("errors", "Ký tự sai"),
    Column("maker", "Người đề nghị"),
)


@app.callback(invoke_without_command=True)
def match(
    context: Context, account: Account = None, day: Day = None, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Match what no run has looked at, or one day of one account anew. Running it again changes nothing."""
    if context.invoked_subcommand is not None:
        return
    if (account is None) != (day is None):
        leave(Code.USAGE, "hub: --account và --day phải đi cùng nhau")
    rows = _matched(account, day.date() if day else None, dry_run=dry_run)
    output.listing(rows, _RUNS, as_json=as_json)


def _matched(account: str | None, day: date | None, *, dry_run: bool) -> list[dict[str, Any]]:
    from hub import dispatch
    from hub.fees.matching import views
    from hub.fees.matching.run import Result, run

    def one(work: "Work", on: str, booked: date) -> "tuple[Result, list[Event]]":
        result = run(work, on, booked, dry=dry_run)
        return result, [] if dry_run else list(result.events)

    rows = []
    with environment.house() as hub:
        if account is not None and day is not None:
            if not any(bank.account(account) for bank in hub.catalogue.banks.values()):
                leave(Code.NOT_FOUND, f"hub: Trung tâm không có tài khoản {account}")
            wanted = [(account, day)]
        else:
            with hub.db.connection() as conn:
                wanted = views.waiting(conn)
        for on, booked in wanted:
            result = dispatch.act(hub, writing.actor(), lambda work, on=on, booked=booked: one(work, on, booked))  # type: ignore[misc]
            rows.append(
                {
                    "account": on,
                    "day": booked.isoformat(),
                    "lines": result.lines,
                    "found": ", ".join(f"{name} {count}" for name, count in sorted(result.counters.items())) or "–",
                    "digest": result.digest.hex()[:16],
                }
            )
    return rows


@app.command("list")
def list_(
    state: Annotated[str, Option(help=f"One of: {', '.join(STATES)}.")] = "proposed",
    account: Account = None,
    day: Day = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """What is proposed, the likeliest first; or what stands otherwise."""
    from hub.fees.matching import views

    if state not in STATES:
        leave(Code.USAGE, f"hub: trạng thái ghép là một trong: {', '.join(STATES)}")
    with environment.database() as conn:
        rows = views.groups(conn, state=state, account=account, day=day.date() if day else None, limit=limit)
    output.listing([{**row, "day": row["day"].isoformat()} for row in rows], _GROUPS, as_json=as_json)


@app.command(cls=Verb)
def confirm(group: Group, reason: Reason) -> None:
    """It is so. Class B takes one person; class C a second one, who says the same."""
    from hub.fees.matching import desk

    _decide(lambda work: desk.confirm(work, group, reason))
    output.say(f"ghép {group}: đã xác nhận ✔")


@app.command(cls=Verb)
def reject(group: Group, reason: Reason) -> None:
    """It is not so, and is not proposed again."""
    from hub.fees.matching import desk

    _decide(lambda work: desk.reject(work, group, reason))
    output.say(f"ghép {group}: đã bác ✔")


@app.command(cls=Verb)
def revoke(group: Group, reason: Reason) -> None:
    """It was not so: what was paid by it is open again. Takes two persons."""
    from hub.fees.matching import desk

    _decide(lambda work: desk.revoke(work, group, reason))
    output.say(f"ghép {group}: đã hủy ✔")


@app.command(cls=Verb)
def payout(
    file: Annotated[Path, Argument(help="JSON: provider, report, account, day, items", exists=True, dir_okay=False)],
) -> None:
    """A gateway's report of what one of its payouts is made of; its line is matched by it, and by nothing else."""
    from hub.fees.matching import payouts
    from hub.untrusted import files
    from schemas.statement import Unreadable

    try:
        report = files.payout(read_sent(file))
    except Unreadable as error:
        leave(Code.USAGE, f"hub: {file.name} không phải là báo cáo tiền về: {error.sentence}")

    def bring(work: "Work") -> "list[Event]":
        payouts.bring(work, report)
        return []

    _decide(bring)
    output.say(f"{report.provider} {report.report}: {len(report.items)} ✔")


def _decide(verb: "Callable[[Work], list[Event]]") -> None:
    writing.act(lambda work: (None, verb(work)))
