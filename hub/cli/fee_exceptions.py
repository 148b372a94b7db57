"""hub fee exceptions, hub fee resolve: list, show, assign and resolve exceptions about money."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Final

from typer import Argument, Context, Option, Typer

from hub.cli import environment, fee_demands, output, writing
from hub.cli.arguments import whole_id
from hub.cli.exits import ExitCode, leave
from hub.cli.output import AUDIT_LOG, AsJson, Limit, TableColumn
from hub.cli.writing import Reason, WriteCommand
from hub.fees.proof import findings
from hub.locale import vi
from schemas.figures import grouped

if TYPE_CHECKING:
    from hub.events import Event
    from hub.fees.exceptions.store import FeeException
    from hub.fees.resolutions.table import Resolution
    from hub.unit_of_work import UnitOfWork

app: Final = Typer(help="Exceptions (ngoại lệ): list, show, assign, carry, report, withdraw, reopen.")
resolve_app: Final = Typer()

_ABOUT: Final = {
    "payment": vi("payment"),
    "fee_demand": vi("payment demand"),
    "statement_line": vi("statement line"),
    "statement_file": vi("statement file"),
    "notify_event": vi("notification number"),
    "refund": vi("refund"),
    "payment_order": vi("payment order"),
    "settlement_item": vi("table line"),
    "chargeback": vi("chargeback"),
    "receipt": vi("receipt"),
    "invariant": vi("invariant"),
}
"""subject of an exception; a type that is not here is written as in the database"""
_NAMES: Final = {
    "account": vi("Account"),
    "allocated": vi("Allocated to the demand"),
    "amount": vi("Amount"),
    "answer_by": vi("Answer by"),
    "bank_ref": vi("Bank transaction number"),
    "candidates": vi("Candidates"),
    "chargeback": vi("Chargeback"),
    "check": vi("Failed check"),
    "consignment": vi("Consignment"),
    "count": vi("Number of offenders"),
    "currency": vi("Currency"),
    "day": vi("Day"),
    "demand": vi("Payment demand"),
    "demand_status": vi("Status of the demand"),
    "department": vi("Agency"),
    "dossier_status": vi("Status of the dossier"),
    "due": vi("Deadline"),
    "first_amount": vi("Amount first notified"),
    "kind": vi("Type"),
    "line": vi("Statement line number"),
    "message": vi("Incoming message"),
    "month": vi("Month"),
    "moved": vi("Amount of the transaction"),
    "of": vi("Belongs to"),
    "offenders": vi("Offender"),
    "order": vi("Payment order"),
    "other": vi("The other demand"),
    "paid_on": vi("Day of payment"),
    "payment": vi("Payment"),
    "provider": vi("Notifier"),
    "provider_case": vi("The notifier's chargeback number"),
    "provider_txn": vi("The notifier's transaction number"),
    "reference": vi("Payment reference"),
    "references": vi("Payment reference recognised"),
    "refund": vi("Refund"),
    "rest": vi("Remaining"),
    "returned_by": vi("Returned by line number"),
    "settlement": vi("Table"),
    "taken": vi("Allocated"),
    "why": vi("Why"),
}
_DONG: Final = frozenset({"allocated", "amount", "first_amount", "moved", "rest", "taken"})


def facts_as_text(facts: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return a row per fact; a key without a label here keeps its name."""
    return [{"name": _NAMES.get(key, key), "value": _value(key, value)} for key, value in sorted(facts.items())]


def subject(object_type: str, object_id: str) -> str:
    """Return the subject of an exception: type and id; for an invariant the label of the failed check."""
    if object_type == "invariant":
        invariant, _, check = object_id.partition(": ")
        object_id = f"{invariant}: {findings.CHECKS.get(check, check)}"
    return f"{_ABOUT.get(object_type, object_type)} {object_id}"


def _value(key: str, value: Any) -> str:
    if key == "check":
        return findings.CHECKS.get(value, value)
    if key == "offenders":
        return "; ".join(f"{findings.subject(what)}: {how}" for what, how in value)
    if isinstance(value, list | tuple):
        return ", ".join(_value("", one) for one in value) or vi("none")
    if isinstance(value, dict):
        return "; ".join(f"{_NAMES.get(inner, inner)}: {_value(inner, one)}" for inner, one in value.items())
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    return grouped(value) if key in _DONG and isinstance(value, int) else str(value)


Name = Annotated[str, Argument(metavar="EXCEPTION", parser=whole_id, help="ex_…, from: hub fee exceptions")]

_OPEN: Final = ("open", "assigned", "proposed")


_LONGEST: Final = 40
"""characters of a payer's text in a list"""
_EXCEPTIONS: Final = (
    TableColumn("id", vi("Exception")),
    TableColumn("code", vi("Code")),
    TableColumn("title", vi("Title")),
    TableColumn("severity", vi("Severity")),
    TableColumn("amount", vi("Amount"), grouped),
    TableColumn("dossier", vi("Dossier")),
    TableColumn("reference", vi("Payment reference")),
    TableColumn(
        "words", vi("Transfer text"), lambda words: words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"
    ),
    TableColumn("due_on", vi("Deadline")),
    TableColumn("state_label", vi("Status")),
    TableColumn("assigned_to", vi("Assignee")),
    TableColumn("proposed", vi("Proposal")),
    TableColumn("maker", vi("Proposed by")),
    TableColumn("carried_by", vi("Carried over by")),
)
_FIELDS: Final = (
    *_EXCEPTIONS,
    TableColumn("object", vi("About")),
    TableColumn("sits", vi("Where the money is")),
    TableColumn("otherwise", vi("If nobody acts")),
    TableColumn("elsewhere", vi("Resolved by")),
    TableColumn("checker", vi("Agreed by")),
    TableColumn("reason", vi("Reason")),
    TableColumn("carried_reason", vi("Reason for carrying over")),
    TableColumn("opened_at", vi("Opened at"), output.moment),
    TableColumn("resolved_at", vi("Done at"), output.moment),
)
_FACTS: Final = (TableColumn("name", vi("Seen")), TableColumn("value", vi("Value")))
_RESOLUTIONS: Final = (
    TableColumn("name", vi("Resolution")),
    TableColumn("label", vi("Meaning of it")),
    TableColumn("persons", vi("Persons")),
    TableColumn("details", vi("Details to give (--set)")),
)


@app.callback(invoke_without_command=True)
def exceptions(context: Context) -> None:
    """List exceptions, the most urgent first."""
    if context.invoked_subcommand is None:
        list_()


@app.command("list")
def list_(
    state: Annotated[
        str, Option(help=f"One of: {', '.join(_OPEN)}, resolved; all: every one that is not resolved.")
    ] = "all",
    code: Annotated[str | None, Option(help="Only this code: R01")] = None,
    person: Annotated[str | None, Option("--assigned-to", help="Only those assigned to this person.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List exceptions, the most urgent first. Amounts in đồng; the payers' texts are personal data."""
    from hub.fees.exceptions import store
    from hub.fees.exceptions.codes import CODES

    if state not in ("all", "resolved", *_OPEN):
        leave(ExitCode.USAGE, vi("hub: the status of an exception is {listed} or resolved", listed=", ".join(_OPEN)))
    if code is not None and code not in CODES:
        leave(
            ExitCode.USAGE,
            vi("hub: there is no exception code {code}; the codes: {listed}", code=code, listed=", ".join(CODES)),
        )
    states = _OPEN if state == "all" else (state,)
    with environment.database() as conn:
        cases = store.listing(conn, states=states, code=code, assigned_to=person, limit=limit)
        named = store.named(conn, [case.id for case in cases])
    output.listing([_row(case, named[case.id]) for case in cases], _EXCEPTIONS, as_json=as_json)


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show an exception: facts, where the money is, resolutions, audit log. The payer's text is personal data."""
    from hub import views as hub
    from hub.fees.exceptions import store
    from hub.fees.resolutions import commands

    with environment.database() as conn:
        case = store.find(conn, name)
        facts = {**case.facts, **store.movement(conn, case)}
        resolutions = [_resolution_row(resolution) for resolution in commands.ways(conn, case)]
        audit_log = hub.audit_log_of(conn, name)
        row = _row(case, store.named(conn, [name])[name])
    if as_json:
        output.document({**row, "facts": facts, "ways": resolutions, "audit_log": audit_log})
        return
    output.fields(row, _FIELDS)
    shown: Mapping[str, Sequence[Mapping[str, Any]]]
    shown = {"facts": facts_as_text(facts), "ways": resolutions, "audit_log": audit_log}
    for key, columns in (("facts", _FACTS), ("ways", _RESOLUTIONS), ("audit_log", AUDIT_LOG)):
        output.say("")
        output.listing(shown[key], columns, as_json=False)


@app.command(cls=WriteCommand)
def assign(name: Name, person: Annotated[str, Argument(help="account of the person")]) -> None:
    """Assign an exception to a person."""
    from hub.fees.resolutions import commands

    _act(lambda uow: commands.assign(uow, name, person))
    output.say(f"{name}: {person} ✔")


@app.command(cls=WriteCommand)
def carry(name: Name, *, reason: Reason) -> None:
    """Carry an exception over the close of its day (treo sang kỳ sau)."""
    from hub.fees.resolutions import commands

    _act(lambda uow: commands.carry(uow, name, reason))
    output.say(vi("{name}: carried over to the next period ✔", name=name))


@app.command(cls=WriteCommand)
def report(
    demand: Annotated[str, Argument(help="what was paid: fd_…, the payment reference, or the dossier code")],
    other: Annotated[str, Argument(help="what it was meant for, named likewise")],
    *,
    payment: Annotated[str | None, Option(help="Which payment, if there are several: pm_…")] = None,
    reason: Reason,
) -> None:
    """Report a payment for the wrong dossier: opens an exception R08, by which two persons move the money."""
    from hub.fees.resolutions import allocating

    one, two = fee_demands.id_of(demand), fee_demands.id_of(other)
    case = writing.act(lambda uow: (allocating.report(uow, one, two, reason, payment=payment), []))
    output.text(f"{case}\n")


@app.command(cls=WriteCommand)
def withdraw(name: Name, *, reason: Reason) -> None:
    """Withdraw a proposed resolution: by its proposer, or by a second person who does not agree."""
    from hub.fees.resolutions import commands

    _act(lambda uow: commands.withdraw(uow, name, reason))
    output.say(vi("{name}: proposal withdrawn ✔", name=name))


@app.command(cls=WriteCommand)
def reopen(name: Name, *, reason: Reason) -> None:
    """Reopen a resolved exception. What its resolution booked stays booked."""
    from hub.fees.resolutions import commands

    _act(lambda uow: commands.reopen(uow, name, reason))
    output.say(vi("{name}: reopened ✔", name=name))


@resolve_app.command(cls=WriteCommand)
def resolve(
    name: Name,
    resolution: Annotated[str, Argument(help="one of those that `hub fee exceptions show` names")],
    values: Annotated[
        list[str] | None, Option("--set", help="A value that the resolution needs: demand=HC…, line=17, …")
    ] = None,
    *,
    reason: Reason,
) -> None:
    """Resolve an exception. If it takes two persons, the first proposes, the second runs the same command.

    Exit 5 if another person has to agree, or the exception does not allow it.
    """
    from hub.fees.resolutions import commands
    from hub.fees.resolutions.table import RESOLUTIONS

    if resolution not in RESOLUTIONS:
        leave(
            ExitCode.USAGE,
            vi(
                "hub: there is no resolution {resolution!r}; see the resolutions: hub fee exceptions show {name}",
                resolution=resolution,
                name=name,
            ),
        )
    details = _details(values or [])
    if details.keys() != set(RESOLUTIONS[resolution].details):
        needed = " ".join(f"--set {one}=…" for one in RESOLUTIONS[resolution].details)
        leave(
            ExitCode.USAGE,
            vi("hub: {resolution} needs {details}", resolution=resolution, details=needed or vi("no --set")),
        )
    state = _act(lambda uow: commands.resolve(uow, name, resolution, details, reason), name)
    if state == "proposed":
        output.say(
            vi(
                "{name}: {resolution} proposed; the second person runs the same command",
                name=name,
                resolution=resolution,
            )
        )
    else:
        output.say(f"{name}: {resolution} ✔")


def _details(values: Sequence[str]) -> dict[str, str]:
    details: dict[str, str] = {}
    for one in values:
        key, equals, value = one.partition("=")
        if not (key and equals and value):
            leave(ExitCode.USAGE, vi("hub: write --set name=value, not {argument}", argument=one))
        details[key] = fee_demands.id_of(value) if key == "demand" else value
    return details


def _act(command: "Callable[[UnitOfWork], list[Event]]", name: str | None = None) -> str | None:
    """Run the command, and return the state of the exception ``name`` afterwards."""
    from hub.fees.exceptions import store

    def run(uow: "UnitOfWork") -> "tuple[str | None, list[Event]]":
        events = command(uow)
        return store.find(uow.conn, name).state if name else None, events

    return writing.act(run)


def _row(case: "FeeException", named: Mapping[str, Any]) -> dict[str, Any]:
    from hub.fees.exceptions.store import STATES
    from hub.fees.resolutions.table import RESOLUTIONS

    about = case.about
    resolution = RESOLUTIONS.get(case.resolution or "")
    proposed = f"{case.resolution}: {resolution.label_vi}" if resolution else case.resolution
    return {
        "id": case.id,
        "code": case.code,
        "title": vi(about.title),
        "severity": case.severity,
        "at_risk": case.at_risk,
        **named,
        "due_on": case.due_on.isoformat(),
        "state": case.state,
        "state_label": STATES[case.state],
        "assigned_to": case.assigned_to,
        "resolution": case.resolution,
        "proposed": proposed,
        "details": case.details,
        "maker": case.maker,
        "checker": case.checker,
        "reason": case.reason,
        "carried_by": case.carried_by,
        "carried_reason": case.carried_reason,
        "object": subject(case.object_type, case.object_id),
        "sits": about.sits,
        "otherwise": about.otherwise,
        "elsewhere": about.elsewhere,
        "opened_at": case.opened_at,
        "resolved_at": case.resolved_at,
    }


def _resolution_row(resolution: "Resolution") -> dict[str, Any]:
    return {
        "name": resolution.name,
        "label": resolution.label_vi,
        "persons": resolution.persons,
        "details": ", ".join(resolution.details),
    }
