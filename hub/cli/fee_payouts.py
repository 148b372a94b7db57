"""hub fee orders, refund, refunds, chargebacks: what is paid out, by two persons, and the file that the bank takes."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from typer import Argument, Option, Typer

from hub.cli import arguments, environment, fee_settlements, files, output, writing
from hub.cli.arguments import whole_id
from hub.cli.exits import ExitCode, leave
from hub.cli.output import AUDIT_LOG, AsJson, Limit, TableColumn
from hub.cli.writing import DryRun, Reason, WriteCommand, Yes
from hub.locale import vi
from schemas.figures import grouped

if TYPE_CHECKING:
    from hub.db import Connection
    from hub.fees.payouts.orders import PaymentOrder
    from hub.unit_of_work import UnitOfWork

app: Final = Typer(help="Payment orders (lệnh chi): refunds and remittances, by two persons.", no_args_is_help=True)
refunds_app: Final = Typer()
chargebacks_app: Final = Typer(help="Chargebacks (tra soát): notice, evidence, won, lost.", no_args_is_help=True)


Name = Annotated[str, Argument(metavar="ORDER", parser=whole_id, help="po_…, or its reference")]
What = Annotated[
    str,
    Argument(metavar="WHAT", parser=whole_id, help="ex_…, fd_… (or its reference, dossier code), pm_…, a line, rf_…"),
]

STATES: Final = {
    "requested": vi("waiting for approval"),
    "approved": vi("approved, not sent to the bank"),
    "sent": vi("sent to the bank, waiting for the statement"),
    "confirmed": vi("paid out"),
    "failed": vi("not payable or returned"),
    "cancelled": vi("order cancelled"),
}
State = Annotated[str | None, Option(help=f"One of: {', '.join(STATES)}. Default: all that have not ended.")]
PURPOSES: Final = {"refund": vi("refunded"), "remittance": vi("remittance to the agency")}


_COLUMNS: Final = (
    TableColumn("id", vi("Payment order")),
    TableColumn("reference", vi("Text")),
    TableColumn("purpose", vi("Purpose"), lambda name: PURPOSES[name]),
    TableColumn("subject_id", vi("For")),
    TableColumn("amount", vi("Amount"), grouped),
    TableColumn("state", vi("Status"), lambda name: STATES[name]),
    TableColumn("maker", vi("Made by")),
    TableColumn("checker", vi("Approved by")),
    TableColumn("due_on", vi("Deadline")),
)
_FIELDS: Final = (
    TableColumn("id", vi("Payment order")),
    TableColumn("reference", vi("Reference in the text")),
    TableColumn("purpose", vi("Purpose"), lambda name: PURPOSES[name]),
    TableColumn("subject_id", vi("For")),
    TableColumn("account", vi("Debit account")),
    TableColumn("amount", vi("Amount"), grouped),
    TableColumn("holder", vi("Beneficiary")),
    TableColumn("payee_account", vi("Beneficiary's account")),
    TableColumn("bank_bin", vi("Bank (BIN)")),
    TableColumn("state", vi("Status"), lambda name: STATES[name]),
    TableColumn("maker", vi("Made by")),
    TableColumn("checker", vi("Approved by")),
    TableColumn("reason", vi("Reason")),
    TableColumn("line_id", vi("Statement line")),
    TableColumn("returned_line_id", vi("Return line")),
)
_REFUNDS: Final = (
    TableColumn("id", vi("Refund")),
    TableColumn("item", vi("Since")),
    TableColumn("source", vi("Ledger account")),
    TableColumn("amount", vi("Amount"), grouped),
    TableColumn("state", vi("Status"), lambda name: STATES[name]),
    TableColumn("due_on", vi("Deadline")),
)


_PAYEE: Final = {
    "bank_bin": vi("--bank is the six digits of the beneficiary's bank in NAPAS's list"),
    "account": vi("--account is 4 to 34 digits or capital letters, with nothing between them"),
    "holder": vi("--holder is the account holder's name, of 100 characters at most"),
}


@app.command("list")
def list_(
    state: State = None,
    purpose: Annotated[str | None, Option(help="refund or remittance")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List payment orders, oldest first. No payees."""
    from hub.fees.payouts import orders

    arguments.check_state(state, STATES, vi("hub: the status of a payment order is one of"))
    with environment.database() as conn:
        rows = orders.listing(conn, state=state, purpose=purpose, limit=limit)
    output.listing(rows, _COLUMNS, as_json=as_json)


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show a payment order with its payee (personal data) and audit log."""
    from hub import views as hub
    from hub.fees.payouts import orders

    with environment.database() as conn:
        order = orders.find(conn, name)
        audit_log = hub.audit_log_of(conn, order.id)
    row = {field: getattr(order, field) for field in order.__slots__ if field != "payee"}
    row |= {"holder": order.payee.holder, "payee_account": order.payee.account, "bank_bin": order.payee.bank_bin}
    if as_json:
        output.document({**row, "state": order.state.value, "audit_log": audit_log})
        return
    output.fields(row, _FIELDS)
    output.say("")
    output.listing(audit_log, AUDIT_LOG, as_json=False)


@app.command()
def approve(name: Name, *, reason: Reason, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Approve a payment order, by another person than its maker. The ledger books it.

    For a monthly remittance it prints how much of it no statement has confirmed yet.
    """
    from hub.fees.payouts import orders
    from hub.fees.settlements import remitting

    with environment.database() as conn:
        order = orders.find(conn, name)
        if order.purpose == remitting.PURPOSE:
            fee_settlements.warn_unshown(conn, order.subject_id, order.id)
    _each("approve", name, lambda uow: orders.approve(uow, name, reason), yes=yes, dry_run=dry_run)


@app.command()
def cancel(name: Name, *, reason: Reason, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Cancel a payment order that has not been sent to the bank."""
    from hub.fees.payouts import orders

    _each("cancel", name, lambda uow: orders.cancel(uow, name, reason), yes=yes, dry_run=dry_run)


@app.command()
def fail(name: Name, *, reason: Reason, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Record that the bank did not pay an order. It can be ordered again."""
    from hub.fees.payouts import orders

    _each("fail", name, lambda uow: orders.fail(uow, name, reason), yes=yes, dry_run=dry_run)


@app.command(cls=WriteCommand)
def send(
    names: Annotated[list[str], Argument(metavar="ORDER…", parser=whole_id, help="po_… or references, all approved")],
    out: Annotated[Path, Option("--output", "-o", help="File to write: FILE.csv for the bank, or FILE.txt to print.")],
) -> None:
    """Write the file for the bank's internet banking, and mark the orders as sent. Repeated: the same file.

    The orders are marked before the file is written: a lost file can be written again, no order is paid twice.
    """
    from hub.fees.payouts import order_paper, orders

    if out.suffix not in (".csv", ".txt"):
        leave(ExitCode.USAGE, vi("hub: the file is a .csv for the bank, or a .txt to print"))
    files.check(out)
    sent: list[PaymentOrder] = writing.act(lambda uow: ([orders.send(uow, name) for name in names], []))
    if out.suffix == ".csv":
        files.write(out, order_paper.table(sent), private=True)
    else:
        files.write(out, "\f".join(order_paper.printed(order) for order in sent).encode(), private=True)
    output.say(
        vi(
            "{sent} orders, {amount} VND: {out} ✔",
            sent=len(sent),
            amount=grouped(sum(order.amount for order in sent)),
            out=out,
        )
    )


@refunds_app.command(cls=WriteCommand)
def refund(
    name: What,
    *,
    bank: Annotated[str, Option("--bank", help="The payee's bank: its six-digit BIN (NAPAS).")],
    account: Annotated[str, Option("--account", help="The payee's account.")],
    holder: Annotated[str, Option("--holder", help="Name of the account's holder.")],
    amount: Annotated[int | None, Option(min=1, help="Đồng; default: the whole amount.")] = None,
    reason: Reason,
) -> None:
    """Request a refund of an exception, a demand, a payment or a line; or again, of a refund that failed.

    Another person approves it: hub fee orders approve. Exit 5 if the amount is not there, or is requested already.
    """
    from pydantic import ValidationError

    from hub.fees.payouts import refunds
    from hub.fees.payouts.orders import Payee

    try:
        payee = Payee(bank_bin=bank, account=account, holder=holder)
    except ValidationError as error:
        leave(ExitCode.USAGE, f"hub: {'; '.join(_PAYEE[str(one['loc'][0])] for one in error.errors())}")
    with environment.database() as conn:
        item = _item(conn, name)

    def ask(uow: "UnitOfWork") -> "tuple[PaymentOrder, list[Any]]":
        if item.startswith("rf_"):
            return refunds.again(uow, item, payee, reason), []
        return refunds.request(uow, item, payee, reason, amount=amount), []

    order = writing.act(ask)
    output.say(
        vi(
            "{subject_id}, {id} {reference}, {amount} VND: waiting for another person's approval",
            subject_id=order.subject_id,
            id=order.id,
            reference=order.reference,
            amount=grouped(order.amount),
        )
    )


@refunds_app.command("refunds")
def list_refunds(
    state: State = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List refunds by due date. No payees."""
    from hub.fees.payouts import refund_store

    arguments.check_state(state, STATES, vi("hub: the status of a refund is one of"))
    with environment.database() as conn:
        rows = refund_store.listing(conn, state=state, limit=limit)
    output.listing(rows, _REFUNDS, as_json=as_json)


def _item(conn: "Connection", name: str) -> str:
    """Return the id of what is refunded, by any of its names. Raises NotFound."""
    from hub.errors import NotFound
    from hub.fees.demands import demand_store
    from hub.fees.payouts.refund_store import source_of
    from schemas.identifiers import DossierCode

    if name.startswith("ex_"):
        item = source_of(conn, name)
        if item is None:
            raise NotFound(vi("{name} has nothing to refund", name=name))
        return item
    if name.startswith(("pm_", "rf_")) or name.isdecimal():
        return name
    try:
        reference = DossierCode.received(name).normalised
    except ValueError:
        reference = name
    row = demand_store.find(conn, reference)
    if row is None:
        raise NotFound(vi("there is no demand {missing}", missing=name))
    return str(row["id"])


def _each(what: str, name: str, command: "Callable[[UnitOfWork], list[Any]]", *, yes: bool, dry_run: bool) -> None:
    writing.each(what, [name], lambda _: writing.act(lambda uow: (None, command(uow))), yes=yes, dry_run=dry_run)


ChargebackName = Annotated[
    str, Argument(metavar="CHARGEBACK", parser=whole_id, help="cb_…, or the provider's number of it")
]
CHARGEBACK_STATES: Final = {
    "noticed": vi("chargeback received"),
    "evidence": vi("evidence sent"),
    "won": vi("money kept"),
    "lost": vi("to be paid back"),
}
_CHARGEBACKS: Final = (
    TableColumn("id", vi("Chargeback")),
    TableColumn("provider_case", vi("Notifier's number")),
    TableColumn("payment_id", vi("Payment")),
    TableColumn("amount", vi("Amount"), grouped),
    TableColumn("state", vi("Status"), lambda name: CHARGEBACK_STATES[name]),
    TableColumn("answer_by", vi("Answer before")),
    TableColumn("line_id", vi("Statement line")),
)


@chargebacks_app.command("list")
def list_chargebacks(
    state: Annotated[
        str | None, Option(help=f"One of: {', '.join(CHARGEBACK_STATES)}. Default: the open ones.")
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List chargebacks by the day on which they have to be answered."""
    from hub.fees.payouts import chargebacks

    arguments.check_state(state, CHARGEBACK_STATES, vi("hub: the status of a chargeback is one of"))
    with environment.database() as conn:
        rows = chargebacks.listing(conn, state=state, limit=limit)
    output.listing(rows, _CHARGEBACKS, as_json=as_json)


@chargebacks_app.command(cls=WriteCommand)
def notice(
    payment: Annotated[str, Argument(metavar="PAYMENT", parser=whole_id, help="pm_…")],
    *,
    case: Annotated[str, Option("--case", help="The provider's number, which a later debit would carry.")],
    answer_by: Annotated[
        datetime, Option(parser=arguments.day, metavar=arguments.DAY, help="The day by which it has to be answered.")
    ],
    reason: Reason,
) -> None:
    """Record a chargeback notice. Nothing is booked; an exception (V03) waits for the answer."""
    from hub.fees.payouts import chargebacks

    chargeback = writing.act(lambda uow: (chargebacks.notice(uow, payment, case, answer_by.date(), reason), []))
    output.say(
        vi(
            "{id} {provider_case}: answer by {answer_by:%d/%m/%Y}",
            id=chargeback.id,
            provider_case=chargeback.provider_case,
            answer_by=chargeback.answer_by,
        )
    )


@chargebacks_app.command(cls=WriteCommand)
def evidence(name: ChargebackName, *, reason: Reason) -> None:
    """Record that evidence was sent; the reason names the letter."""
    from hub.fees.payouts import chargebacks

    writing.act(lambda uow: (None, chargebacks.answered(uow, name, reason)))
    output.say(vi("{name}: evidence submitted ✔", name=name))


@chargebacks_app.command(cls=WriteCommand)
def won(name: ChargebackName, *, reason: Reason) -> None:
    """Record that the chargeback was won: the money stays here."""
    from hub.fees.payouts import chargebacks

    writing.act(lambda uow: (None, chargebacks.won(uow, name, reason)))
    output.say(vi("{name}: won ✔", name=name))


@chargebacks_app.command(cls=WriteCommand)
def lost(name: ChargebackName, *, reason: Reason) -> None:
    """Record that the chargeback was lost. The debit on the statement books it, by the provider's number."""
    from hub.fees.payouts import chargebacks

    writing.act(lambda uow: (None, chargebacks.lost(uow, name, reason)))
    output.say(vi("{name}: lost ✔", name=name))
