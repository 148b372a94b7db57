"""hub fee chargebacks: what payers ask back through their banks, and what became of it."""

from datetime import datetime
from typing import Annotated, Final

from typer import Argument, Option, Typer

from hub.cli import dates, environment, output, writing
from hub.cli.exits import ExitCode, leave
from hub.cli.ids import whole_id
from hub.cli.output import AsJson, Limit, TableColumn
from hub.cli.writing import Reason, Verb
from schemas.figures import grouped

app: Final = Typer(help="Chargebacks (tra soát): notice, evidence, won, lost.", no_args_is_help=True)

Name = Annotated[str, Argument(metavar="CHARGEBACK", parser=whole_id, help="cb_…, or the provider's number of it")]
STATES: Final = {
    "noticed": "mới nhận tra soát",
    "evidence": "đã gửi chứng từ",
    "won": "giữ được tiền",
    "lost": "phải trả lại",
}
_COLUMNS: Final = (
    TableColumn("id", "Tra soát"),
    TableColumn("provider_case", "Số của bên báo"),
    TableColumn("payment_id", "Khoản nộp"),
    TableColumn("amount", "Số tiền", grouped),
    TableColumn("state", "Trạng thái", lambda name: STATES[name]),
    TableColumn("answer_by", "Trả lời trước"),
    TableColumn("line_id", "Dòng sao kê"),
)


@app.command("list")
def list_(
    state: Annotated[str | None, Option(help=f"One of: {', '.join(STATES)}. Without it: what is argued.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Chargebacks, by the day on which they have to be answered."""
    from hub.fees.payouts.chargebacks import store

    if state is not None and state not in STATES:
        leave(ExitCode.USAGE, f"hub: trạng thái tra soát là một trong: {', '.join(STATES)}")
    with environment.database() as conn:
        rows = store.listing(conn, state=state, limit=limit)
    output.listing(rows, _COLUMNS, as_json=as_json)


@app.command(cls=Verb)
def notice(
    payment: Annotated[str, Argument(metavar="PAYMENT", parser=whole_id, help="pm_…")],
    *,
    case: Annotated[str, Option("--case", help="The provider's number: it stands in the debit, if it comes to one.")],
    answer_by: Annotated[
        datetime, Option(parser=dates.day, metavar=dates.DAY, help="The day by which it has to be answered.")
    ],
    reason: Reason,
) -> None:
    """The provider says that a payment is asked back. Nothing moves; a case (V03) waits for the answer."""
    from hub.fees.payouts.chargebacks import commands

    found = writing.act(lambda uow: (commands.notice(uow, payment, case, answer_by.date(), reason), []))
    output.say(f"{found.id} {found.provider_case}: trả lời trước {found.answer_by:%d/%m/%Y}")


@app.command(cls=Verb)
def evidence(name: Name, *, reason: Reason) -> None:
    """The evidence was sent; the reason says by which letter."""
    from hub.fees.payouts.chargebacks import commands

    writing.act(lambda uow: (None, commands.answered(uow, name, reason)))
    output.say(f"{name}: đã nộp chứng cứ ✔")


@app.command(cls=Verb)
def won(name: Name, *, reason: Reason) -> None:
    """The money stays here."""
    from hub.fees.payouts.chargebacks import commands

    writing.act(lambda uow: (None, commands.won(uow, name, reason)))
    output.say(f"{name}: thắng ✔")


@app.command(cls=Verb)
def lost(name: Name, *, reason: Reason) -> None:
    """It has to go back. The debit on our statement books it, by the provider's number."""
    from hub.fees.payouts.chargebacks import commands

    writing.act(lambda uow: (None, commands.lost(uow, name, reason)))
    output.say(f"{name}: thua ✔")
