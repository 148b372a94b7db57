"""hub handoff: list, show, sign and print handoffs; export and verify their bundles."""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NoReturn, Protocol

from typer import Argument, Option, Typer

from hub.cli import environment, files, output, writing
from hub.cli.arguments import whole_id
from hub.cli.exits import ExitCode, leave
from hub.cli.files import read_file
from hub.cli.output import AUDIT_LOG, AsJson, Limit, TableColumn
from hub.cli.writing import WriteCommand
from hub.locale import vi

if TYPE_CHECKING:
    from config.catalogue import Catalogue
    from config.officers import Officer
    from hub.app import Hub
    from hub.papers.compose import HandoffPaper, PaperNames
    from hub.papers.forms import ControlSheet, Form, IssuingOffice, MinuteForm
    from hub.papers.sign import Stamp
    from hub.papers.verify import JudgedPaper
    from hub.signing.trust import Trust
    from hub.signing.verdicts import Verdict, VerdictAnswer

app: Final = Typer(help="Handoffs (bàn giao hồ sơ): list, sign, print, export, verify.", no_args_is_help=True)

HandoffId = Annotated[str, Argument(metavar="HANDOFF", parser=whole_id, help="hd_…")]
Shown = Literal["unsigned", "prepared", "acknowledged", "complete", "refused"]

STATES: Final[dict[str, str]] = {
    "unsigned": vi("waiting for a signature"),
    "prepared": vi("signed, in transfer"),
    "acknowledged": vi("taken over by the receiver"),
    "complete": vi("completed"),
    "refused": vi("refused"),
}
RESULTS: Final[dict[str, str]] = {"none": "", "early": vi("early"), "on_time": vi("on time"), "late": vi("late")}
ACTS: Final[dict[str, str]] = {"transfer": vi("transfer"), "return": vi("return of the result")}
CARRIERS: Final[dict[str, str]] = {"wire": vi("online"), "post": vi("by post")}

_COLUMNS: Final = (
    TableColumn("id", vi("Handoff")),
    TableColumn("dossier_code", vi("Dossier code")),
    TableColumn("leg", vi("Leg")),
    TableColumn("act", vi("Action"), ACTS.__getitem__),
    TableColumn("department", vi("Department")),
    TableColumn("status", vi("Status"), STATES.__getitem__),
    TableColumn("prepared_at", vi("Handed over at"), output.since),
    TableColumn("lacks", vi("Outstanding")),
)
_FIELDS: Final = (
    *_COLUMNS,
    TableColumn("carrier", vi("Channel"), CARRIERS.__getitem__),
    TableColumn("officer", vi("Handed over by")),
    TableColumn("number", vi("Receiver's number")),
    TableColumn("taken_at", vi("Received at"), output.moment),
    TableColumn("result", vi("Result of the dossier"), RESULTS.__getitem__),
    TableColumn("countersigned", vi("Signed by the receiver"), lambda value: vi("yes") if value else vi("no")),
    TableColumn("minute_at", vi("Minutes at"), output.moment),
    TableColumn("delivered_at", vi("Delivered by post at"), output.moment),
    TableColumn("completed_at", vi("Completed at"), output.moment),
    TableColumn("record_hash", vi("SHA-256 of the record")),
    TableColumn("log_place", vi("Position in the custody log")),
    TableColumn("transfer_id", vi("Transfer")),
)
_SIGNED: Final = (
    TableColumn("kind", vi("Record")),
    TableColumn("record_hash", "SHA-256"),
    TableColumn("signatures", vi("Signature")),
    TableColumn("entered_at", vi("In the log at"), output.moment),
    TableColumn("place", vi("Position")),
)
_UNSIGNABLE: Final = (
    TableColumn("id", vi("Message")),
    TableColumn("received_at", vi("Received at"), output.since),
    TableColumn("state", vi("Status")),
    TableColumn("backoff_attempts", vi("Attempt")),
    TableColumn("due_at", vi("Next attempt at"), output.moment),
    TableColumn("error_code", vi("Error")),
    TableColumn("error_detail", vi("Reason")),
)


@app.command("list")
def list_(
    status: Annotated[Shown | None, Option(help="Only these.")] = None,
    department: Annotated[str | None, Option(help="Only this department's: so-tu-phap")] = None,
    limit: Limit = 50,
    *,
    unsigned: Annotated[
        bool, Option("--unsigned", help="Those that wait for an officer's signature, or could not be signed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List handoffs, oldest first, with what each lacks. With --unsigned exit 3 if there are any."""
    from hub.handoffs import views

    with environment.database() as conn:
        rows = views.handoffs(conn, status="unsigned" if unsigned else status, department=department, limit=limit)
        stopped = views.unsignable(conn, limit=limit) if unsigned else []
    if as_json and unsigned:
        output.document({"data": rows, "unsignable": stopped})
    else:
        output.listing(rows, _COLUMNS, as_json=as_json)
    if stopped and not as_json:
        output.say(vi("Not transferred because signing failed (mend it, then hub inbox requeue):"))
        output.listing(stopped, _UNSIGNABLE, as_json=False)
    if unsigned and (rows or stopped):
        leave(
            ExitCode.FINDING,
            vi(
                "{rows} handoffs wait for a signature, {stopped} messages could not be signed",
                rows=len(rows),
                stopped=len(stopped),
            ),
        )


@app.command()
def show(handoff_id: HandoffId, as_json: AsJson = False) -> None:
    """Show a handoff: both sides, its signed records, audit log."""
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
    for rows, columns in ((row["signed"], _SIGNED), (row["audit_log"], AUDIT_LOG)):
        output.say("")
        output.listing(rows, columns, as_json=False)


@app.command(cls=WriteCommand)
def sign(
    handoff_id: HandoffId,
    export: Annotated[Path | None, Option(help="Write the bytes to be signed to this file.")] = None,
    attach: Annotated[
        Path | None, Option(help="Attach this signature: detached CAdES-B (.p7s, DER) over them.")
    ] = None,
    *,
    renew: Annotated[
        bool, Option("--renew", help="Create the record again for the officer who is on duty now.")
    ] = False,
) -> None:
    """Sign with a key that is not on this machine: export the record, sign it elsewhere, attach the signature."""
    from hub import dispatch
    from hub.handoffs import external_signing

    if sum((export is not None, attach is not None, renew)) != 1:
        leave(ExitCode.USAGE, "hub: one of --export FILE, --attach FILE, --renew")
    with environment.hub() as hub:
        if export is not None:
            files.check(export)
            draft = dispatch.run_command(
                hub, writing.actor(), lambda uow: (external_signing.exported(uow, handoff_id), [])
            )
            files.write(export, draft)
            output.say(
                vi(
                    "{export}: {draft} bytes; sign them as detached CAdES-B, then hub handoff sign --attach",
                    export=export,
                    draft=len(draft),
                )
            )
            return
        status: Any
        if attach is not None:
            signature = read_file(attach)
            status = dispatch.run_command(
                hub, writing.actor(), lambda uow: external_signing.attach(uow, handoff_id, signature)
            )
        else:
            status = dispatch.run_command(hub, writing.actor(), lambda uow: external_signing.renew(uow, handoff_id))
    output.say(f"{handoff_id}: {STATES[status]}")


@app.command(cls=WriteCommand)
def minute(
    handoff_id: HandoffId,
    file: Annotated[Path, Option(help="The scan: PDF, PNG or JPEG, up to 10 MiB.", exists=True, dir_okay=False)],
    signed_by: Annotated[list[str], Option(help="A signer as named in the minute; once per signer.")],
    at: Annotated[datetime, Option(formats=["%Y-%m-%dT%H:%M"], help="The time stated in the minute; the legal one.")],
) -> None:
    """Enter the signed minute (biên bản giao nhận) of a receiver that cannot sign digitally, or of papers by post."""
    from hub import dispatch
    from hub.clock import VIETNAM
    from hub.handoffs import minutes

    entered = minutes.ScannedMinute(file=read_file(file), signers=tuple(signed_by), at=at.replace(tzinfo=VIETNAM))
    with environment.hub() as hub:
        status = dispatch.run_command(hub, writing.actor(), lambda uow: minutes.enter(uow, handoff_id, entered))
    output.say(f"{handoff_id}: {STATES[status]}")


HandoffFormName = Literal["kiem-soat", "bien-ban"]


@app.command("print")
def print_(
    named: Annotated[
        str, Argument(metavar="HANDOFF|DOSSIER", parser=whole_id, help="hd_…, sub_… or the dossier's code.")
    ],
    out: Annotated[
        Path | None, Option("--output", "-o", help="File to write; default: named after the dossier.")
    ] = None,
    form: Annotated[
        HandoffFormName, Option(help="Phiếu kiểm soát of the dossier, or biên bản of one handoff.")
    ] = "kiem-soat",
    officer: Annotated[
        str | None, Option(help="Officer who signs, by the roster's id; default: who is on duty.")
    ] = None,
    *,
    unsigned: Annotated[bool, Option("--unsigned", help="Without signatures.")] = False,
    time_stamp: Annotated[bool, Option("--time-stamp", help="With a time stamp of the authority (PAdES B-T).")] = False,
) -> None:
    """Print a form (PDF/A-3) with the signed records inside; the officer signs it, then the Centre's seal."""
    from hub.clock import now
    from hub.papers import render

    with environment.hub() as hub:
        form_values, department = _form(hub, named, form)
        pdf = render.render(form_values)
        if not unsigned:
            pdf = signed(hub, pdf, form_values, signatory(hub, officer, department, now()), time_stamp=time_stamp)
    target = out or Path(f"{form}-{form_values.dossier_code}.pdf")
    files.write(target, pdf)
    output.say(
        f"{target}: {form_values.number}, {len(pdf)} bytes"
        + (vi(", not signed yet") if unsigned else vi(", digitally signed"))
    )


def _form(hub: "Hub", named: str, form: HandoffFormName) -> "tuple[ControlSheet | MinuteForm, str]":
    """Return the values of the form, and the department of the dossier."""
    from hub.handoffs import views
    from hub.papers import compose
    from hub.signing import custody

    with hub.db.connection() as conn:
        history = views.find_history(conn, named)
        handoff_ids = history.handoffs if form == "kiem-soat" else _one(history.asked, history.handoffs)
        handed: list[HandoffPaper] = []
        for handoff_id in handoff_ids:
            leaves = custody.leaves_about(conn, handoff_id)
            if leaves or form == "bien-ban":  # the form has no row for what is not signed yet
                handed.append(compose.HandoffPaper.of(handoff_id, leaves))
    names = _names(hub, history.procedure)
    if form == "bien-ban":
        return compose.minute(handed[0], names), history.department
    return compose.control_sheet(handed, names), history.department


def _one(asked: str | None, handoffs: Sequence[str]) -> Sequence[str]:
    if asked is not None:
        return [asked]
    if len(handoffs) != 1:
        leave(ExitCode.USAGE, f"hub: the dossier has {len(handoffs)} handoffs; name one: {' '.join(handoffs)}")
    return handoffs


def _names(hub: "Hub", procedure: str) -> "PaperNames":
    from hub.papers.compose import PaperNames

    catalogue = hub.catalogue
    known = catalogue.procedures.get(procedure)
    agencies = {one.agency: one.name for one in catalogue.departments.values()}
    return PaperNames(
        office=office(catalogue),
        agencies={catalogue.portal.centre: catalogue.portal.centre_name, **agencies},
        officers={one.id: one.name for one in catalogue.officers.values()},
        procedure=procedure if known is None else known.title,
    )


def office(catalogue: "Catalogue") -> "IssuingOffice":
    """Return the Centre for the head of a form: under the committee of the province that its name ends with."""
    from hub.papers.forms import IssuingOffice

    centre = catalogue.portal.centre_name
    kind = next((one for one in (vi("province"), vi("city")) if f" {one} " in centre), "")
    place = centre.rpartition(f" {kind} ")[2] if kind else ""
    return IssuingOffice(name=centre, superior=f"UBND {kind} {place}" if place else "", place=place or "…")


def signatory(hub: "Hub", named: str | None, department: str | None, at: datetime) -> "Officer":
    """Return the officer who signs a form of ``department`` (None: of the Centre): the one named, or who is on duty.

    Raises NotFound, InvalidState, MayNotSign.
    """
    from config.officers import on_duty
    from hub.errors import InvalidState, NotFound

    officers = hub.catalogue.officers
    if named is not None and named not in officers:
        raise NotFound(f"the roster has no officer {named}")
    able = [officers[named]] if named is not None else on_duty(list(officers.values()), department, at)
    chosen = next((one for one in able if not one.signs_elsewhere), None)
    if chosen is None:
        raise InvalidState(
            "no officer on duty has a key here; print it --unsigned and sign it on the officer's own device"
        )
    hub.signer.check_officer(chosen, at, department)
    return chosen


def signed(hub: "Hub", pdf: bytes, form_values: "Form", officer: "Officer", *, time_stamp: bool) -> bytes:
    """``pdf`` of the form ``form_values``, signed by the officer and by the Centre's seal. Raises InvalidState."""
    from hub.clock import now
    from hub.errors import InvalidState
    from hub.papers import render, sign
    from hub.signing.verdicts import Invalid, Undecided

    at, centre = now(), hub.catalogue.portal.centre_name
    person = sign.Signatory(hub.keyring.current(officer.key, at), officer.name, vi("Making of the form"))
    seal = sign.Signatory(hub.keyring.current(hub.catalogue.signing.seal, at), centre, vi("Confirmation by the agency"))
    stamp = stamp_of(hub) if time_stamp else None
    try:
        return sign.sign(
            pdf, person, seal, at=at, trust=hub.signer.trust(), places=render.signature_places(form_values), stamp=stamp
        )
    except (Invalid, Undecided) as error:
        raise InvalidState(f"nothing was signed: {error}") from None


def stamp_of(hub: "Hub") -> "Stamp":
    """Return the function that asks the catalogue's first time-stamping authority."""
    ask: Stamp = hub.port(hub.catalogue.signing.stamping[0].counterparty).stamp
    return ask


class VerificationText(Protocol):
    """Result of a verification, of a bundle or of a printed form."""

    @property
    def answer(self) -> "VerdictAnswer": ...
    @property
    def findings(self) -> "Sequence[Any]": ...


TrustFile = Annotated[
    Path | None,
    Option(
        exists=True,
        dir_okay=False,
        help="trust.json: who signs for whom. With a PEM of roots alone nothing can be decided.",
    ),
]
_MARKS: Final = {"good": "✔", "note": "·", "missing": "?", "wrong": "✗"}
_ANSWERS: Final = {
    "VALID": vi("VALID"),
    "INVALID": vi("INVALID"),
    "CANNOT TELL": vi("CANNOT TELL"),
}
_EXITS: Final = {"VALID": ExitCode.OK, "INVALID": ExitCode.FINDING, "CANNOT TELL": ExitCode.NOT_FOUND}


@app.command()
def export(
    handoff_id: Annotated[str, Argument(metavar="HANDOFF", parser=whole_id, help="hd_…")],
    to: Annotated[Path | None, Option("--output", "-o", help="File to write; default: HANDOFF.zip.")] = None,
) -> None:
    """Export a handoff as a bundle that anybody can verify, with this command or with openssl alone."""
    from hub.signing import crl_store, exporting

    with environment.hub() as hub, hub.db.transaction() as conn:
        crls = crl_store.in_folder(hub.settings.keys) if hub.settings.keys else []
        written = exporting.export(conn, handoff_id, crls).write()
    path = to or Path(f"{handoff_id}.zip")
    files.write(path, written)
    output.say(f"{path}: {len(written)} byte")


@app.command()
def verify(
    bundle: Annotated[
        Path, Argument(metavar="FILE", exists=True, help="A bundle, the folder it was unpacked to, or a printed form.")
    ],
    trust: TrustFile = None,
    offline: Annotated[bool, Option("--offline", help="Without a database; requires --trust.")] = False,
    as_json: AsJson = False,
) -> None:
    """Verify a bundle: VALID (exit 0), INVALID (3) or CANNOT TELL (4: evidence missing), with reasons; 2: no bundle."""
    from hub.signing.archive import NotABundle

    try:
        verdict = _verify_file(bundle, trust_of(trust, offline=offline))
    except NotABundle as error:
        leave(ExitCode.USAGE, vi("hub: {bundle} is not a handoff bundle: {error}", bundle=bundle, error=error))
    print_verdict(verdict, as_json=as_json)


def _verify_file(path: Path, trust: "Trust") -> "Verdict | JudgedPaper":
    """Verify a PDF as a printed form, anything else as a bundle. Raises NotABundle."""
    if path.is_file() and (data := read_file(path)).startswith(b"%PDF-"):
        from hub.clock import now
        from hub.papers.verify import verify_pdf

        return verify_pdf(data, trust, now())
    from hub.signing import archive, bundle
    from hub.signing.judge import judge

    return judge(bundle.assemble(archive.read_path(path)), trust)


def trust_of(path: Path | None, *, offline: bool) -> "Trust":
    """Load the trust list; without a file this hub's own, with the revocation lists that it has fetched."""
    from hub.signing import trust_list
    from hub.signing.trust import Trust

    if path is None and offline:
        leave(ExitCode.USAGE, vi("hub: --offline needs --trust: the trust list (trust.json) that the verifier keeps"))
    if path is None:
        return _own_trust()
    try:
        return Trust.load(read_file(path)) if path.suffix == ".pem" else trust_list.load(path)
    except ValueError as error:
        leave(ExitCode.USAGE, f"hub: {path}: {error}")


def _own_trust() -> "Trust":
    import hashlib

    from hub.clock import now
    from hub.signing import trust_list
    from hub.signing.parties import Register

    with environment.hub() as hub:
        trust = hub.signer.trust()
        listed = trust_list.draw_up(hub.catalogue, hub.keyring, trust, now())
    own = trust_list.trust_of(Register(listed, hashlib.sha256(trust_list.encoded(listed)).hexdigest()))
    return own.extended(crls=trust.crls)


def print_verdict(verdict: "VerificationText", *, as_json: bool) -> NoReturn:
    """Print the findings, and exit with the code of the answer."""
    _show(verdict, as_json=as_json)
    leave(_EXITS[verdict.answer])


def _show(verdict: "VerificationText", *, as_json: bool) -> None:
    if as_json:
        findings = [
            {
                "weight": finding.weight,
                "code": finding.code,
                "where": finding.where,
                "detail": finding.detail,
                "meaning": {"en": finding.code.en, "vi": vi(finding.code.en)},
            }
            for finding in verdict.findings
        ]
        output.document({"answer": verdict.answer, "findings": findings})
        return
    for finding in verdict.findings:
        detail = "".join(char if char.isprintable() else " " for char in finding.detail)
        sys.stdout.write(f"{_MARKS[finding.weight]} {finding.code:<20} {finding.where}: {vi(finding.code.en)}")
        sys.stdout.write(f" ({detail})\n" if detail else "\n")
    sys.stdout.write(f"{verdict.answer}: {_ANSWERS[verdict.answer]}\n")
