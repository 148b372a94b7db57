"""hub fee table, send, remit, verify: a department's monthly table, as files, and its transfer."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from typer import Argument, Option, Typer

from hub.cli import arguments, environment, files, output, writing
from hub.cli.exits import ExitCode, leave
from hub.cli.files import read_file
from hub.cli.handoff import TrustFile
from hub.cli.output import AsJson, TableColumn
from hub.cli.writing import Reason, WriteCommand
from hub.locale import vi
from schemas.figures import grouped

if TYPE_CHECKING:
    from hub.app import Hub
    from hub.db import Connection
    from hub.events import Event
    from hub.fees.settlements.package import Package
    from hub.fees.settlements.store import SealedTable, Settlement
    from hub.papers.forms import FeeTable
    from hub.papers.verify import JudgedPaper
    from hub.signing.trust import Trust
    from hub.signing.verdicts import Verdict, VerdictAnswer
    from hub.unit_of_work import UnitOfWork
    from schemas.settlement import SettlementTable

app: Final = Typer()


@dataclass(frozen=True, slots=True)
class PackageVerdict:
    """Verdict on a package and on the printed table in it."""

    package: "Verdict"
    printed: "JudgedPaper"

    @property
    def findings(self) -> "list[Any]":
        return [*self.package.findings, *self.printed.findings]

    @property
    def answer(self) -> "VerdictAnswer":
        """The worse answer of the two."""
        from hub.signing.verdicts import VerdictAnswer

        both = {self.package.answer, self.printed.answer}
        return next(
            one for one in (VerdictAnswer.INVALID, VerdictAnswer.CANNOT_TELL, VerdictAnswer.VALID) if one in both
        )


def table_file(
    hub: "Hub", settlement: "Settlement", suffix: str, officer: str | None, *, unsigned: bool
) -> dict[str, bytes]:
    """Build the files for ``suffix``: suffix → content."""
    from hub.fees.settlements import sheet, store
    from schemas.settlement import SettlementTable

    with hub.db.connection() as conn:
        handed = store.sealed_table(conn, settlement.id)
    table = SettlementTable.model_validate_json(handed.body)
    if suffix == ".json":
        return {".json": handed.body, ".p7s": handed.signature}
    if suffix == ".xlsx":
        return {suffix: sheet.written(table, settlement.sha256.hex(), hub.catalogue.portal.centre_name)}
    printed = _printed(hub, _form(hub, table, handed), officer, unsigned=unsigned)
    return {suffix: printed if suffix == ".pdf" else _package(hub, settlement, printed)}


def verify_file(file: Path, trust: "Trust") -> "Verdict | JudgedPaper | PackageVerdict":
    """Verify a PDF as a printed form, anything else as a package with its print. Exits if it is neither."""
    from hub.clock import now
    from hub.fees.settlements import judging, package
    from hub.papers.verify import verify_pdf
    from hub.signing import archive
    from hub.signing.archive import NotABundle

    if file.is_file() and (data := read_file(file)).startswith(b"%PDF-"):
        return verify_pdf(data, trust, now())
    try:
        read = package.assemble(archive.read_path(file, package.NAMES))
    except NotABundle as error:
        leave(ExitCode.USAGE, vi("hub: {file} is not the package of a month: {error}", file=file, error=error))
    verdict, at = judging.judge(read, trust)
    if "table.pdf" not in read.files:
        return verdict
    return PackageVerdict(verdict, _of_print(read, verify_pdf(read.files["table.pdf"], trust, at or now())))


def _of_print(read: "Package", printed: "JudgedPaper") -> "JudgedPaper":
    """Add a finding if the table in the print is not that of the package."""
    from hub.papers.verify import JudgedPaper, PaperCode, PaperFinding
    from hub.signing.verdicts import Weight

    inside = [content for name, content in printed.attachments.items() if name.endswith(".json")]
    if inside == [read.table]:
        return printed
    other = PaperFinding(Weight.WRONG, PaperCode.RECORD, "table.pdf", "the table in the print is another")
    return JudgedPaper((*printed.findings, other), printed.attachments)


def _printed(hub: "Hub", form: "FeeTable", officer: str | None, *, unsigned: bool) -> bytes:
    from hub.cli import handoff
    from hub.clock import now
    from hub.papers import render

    pdf = render.render(form)
    if unsigned:
        return pdf
    chosen = handoff.signatory(hub, officer, None, now())
    return handoff.signed(hub, pdf, form, chosen, time_stamp=False)


def _form(hub: "Hub", table: "SettlementTable", handed: "SealedTable") -> "FeeTable":
    from hub.cli.handoff import office
    from hub.fees.exceptions.codes import ExceptionCode
    from hub.fees.settlements import sheet as words
    from hub.papers.forms import Attachment, FeeTable, MonthFeeRow, OpenExceptionRow
    from schemas.amount_in_words import in_words

    name = table.settlement_id
    columns = ("count", "carried", "receipts", "refunds", "adjustments", "retained", "net")
    return FeeTable(
        number=f"BTH-{table.month}/{table.department}",
        at=table.closed_at,
        office=office(hub.catalogue),
        department=table.department_name,
        month=words.month_label(table.month),
        rows=tuple(
            MonthFeeRow(fee.fee_code, fee.title, words.KINDS[fee.kind], *(getattr(fee, column) for column in columns))
            for fee in table.fees
        ),
        rule=words.RULE,
        in_words=in_words(table.net) if table.net > 0 else "",
        receipts=tuple(
            vi(
                "{title}: series {series}, numbers {first} to {last} ({count} receipts)",
                title=fee.title,
                series=one.series,
                first=one.first,
                last=one.last,
                count=one.count,
            )
            for fee in table.fees
            for one in fee.issued
        ),
        open_exceptions=tuple(
            OpenExceptionRow(one.code, vi(ExceptionCode(one.code).about.title), one.count, one.at_risk)
            for one in table.open_exceptions
        ),
        lines=len(table.lines),
        sha256=hashlib.sha256(handed.body).hexdigest(),
        book=table.book,
        last_entry=table.last_entry,
        attachments=(
            Attachment(f"{name}.json", "application/json", handed.body, vi("Summary table (JSON, RFC 8785)")),
            Attachment(
                f"{name}.p7s", "application/pkcs7-signature", handed.signature, vi("Digital signature: summary table")
            ),
        ),
    )


def _package(hub: "Hub", settlement: "Settlement", printed: bytes) -> bytes:
    """Build the monthly package; for a transferred month record that it was handed over."""
    from hub import dispatch
    from hub.cli import writing
    from hub.clock import now
    from hub.fees.settlements import answers, package
    from hub.signing import crl_store

    crls = crl_store.in_folder(hub.settings.keys) if hub.settings.keys else []

    with hub.db.transaction() as conn:
        files = package.contents(conn, settlement, hub.catalogue.portal.centre_name, crls, printed)
    sealed = package.sealed(files, lambda sums: hub.signer.sealed(sums, now()), lambda data: _time_stamp(hub, data))

    def hand(uow: "UnitOfWork") -> "tuple[None, list[Event]]":
        answers.handed(uow, settlement.id, hashlib.sha256(sealed).hexdigest())
        return None, []

    dispatch.run_command(hub, writing.actor(), hand)
    return sealed


def _time_stamp(hub: "Hub", data: bytes) -> bytes | None:
    """Return a time stamp over ``data``; None, with a message, if the authority gives none now."""
    import secrets

    from connectors.errors import ConnectorError
    from hub.cli import output
    from hub.cli.handoff import stamp_of
    from hub.signing import stamps
    from hub.signing.verdicts import Invalid, Undecided

    digest, nonce = hashlib.sha256(data).digest(), secrets.randbits(63)
    try:
        token = stamps.read_reply(stamp_of(hub)(stamps.request(digest, nonce)), digest, nonce)
        stamps.verify(token, data, hub.signer.trust())
    except (ConnectorError, Invalid, Undecided) as error:
        output.say(
            vi(
                "the package has no time stamp ({error}): it can be verified until the seal's certificate expires",
                error=error,
            )
        )
        return None
    return token


Month = Annotated[datetime, Argument(parser=arguments.month, metavar="MONTH", help="2026-10")]
Department = Annotated[str | None, Option("--department", "-d", help="Only this one, by its code.")]
ENDINGS: Final = (".json", ".xlsx", ".pdf", ".zip")


_TABLES: Final = (
    TableColumn("department", vi("Agency")),
    TableColumn("label", vi("Status")),
    TableColumn("opening", vi("Brought forward"), grouped),
    TableColumn("receipts", vi("Receipts of the month"), grouped),
    TableColumn("refunds", vi("Refunds"), grouped),
    TableColumn("adjustments", vi("Adjustment"), grouped),
    TableColumn("retained", vi("Retained"), grouped),
    TableColumn("net", vi("To transfer"), grouped),
    TableColumn("disputed", vi("Disputed"), grouped),
    TableColumn("id", vi("Table")),
    TableColumn("sha256", "SHA-256", lambda digest: digest[:16]),
)


@app.command()
def table(
    month: Month,
    department: Department = None,
    out: Annotated[
        Path | None, Option("--output", "-o", help="FILE.xlsx, .pdf, .json (and .p7s beside it), or .zip: the package.")
    ] = None,
    officer: Annotated[
        str | None, Option(help="Officer who signs the PDF, by the roster's id; default: who is on duty.")
    ] = None,
    *,
    unsigned: Annotated[bool, Option("--unsigned", help="The PDF without signatures.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the tables of a closed month; with -o write one of them as a file.

    Writing the package of a transferred month records that its papers were handed over.
    """
    from hub.fees.settlements import store

    if out is not None and out.suffix not in ENDINGS:
        leave(ExitCode.USAGE, vi("hub: {out}: a table is written as {listed}", out=out, listed=", ".join(ENDINGS)))
    if out is not None:
        files.check(out)
    with environment.hub() as hub:
        chosen = month_tables(hub, month, department)
        if out is None:
            output.listing([store.as_row(one) for one in chosen], _TABLES, as_json=as_json)
            return
        if len(chosen) != 1:
            leave(
                ExitCode.USAGE,
                vi(
                    "hub: choose an agency by --department: {listed}", listed=" ".join(one.department for one in chosen)
                ),
            )
        written = table_file(hub, chosen[0], out.suffix, officer, unsigned=unsigned)
        for suffix, content in written.items():
            files.write(out.with_suffix(suffix), content)
            output.say(f"{out.with_suffix(suffix)}: {len(content)} byte")


@app.command(cls=WriteCommand)
def send(month: Month, department: Department = None) -> None:
    """Send the tables of a month to their departments. Those already sent are skipped."""
    from hub.fees.settlements import answers
    from hub.fees.settlements.store import SettlementState

    with environment.hub() as hub:
        for settlement in month_tables(hub, month, department):
            if settlement.state != SettlementState.COMPUTED:
                output.say(f"{settlement.department}: {SettlementState(settlement.state).label}")
                continue
            act(hub, lambda uow, one=settlement.id: answers.send(uow, one))  # type: ignore[misc]
            output.say(vi("{department}: sent ✔", department=settlement.department))


@app.command(cls=WriteCommand)
def remit(month: Month, *, department: Department = None, reason: Reason) -> None:
    """Order the remittance of confirmed tables; another person approves it: hub fee orders approve.

    Prints how much of it no statement has confirmed yet. Exit 5 if nothing is ordered.
    """
    from hub.fees.settlements import remitting
    from hub.fees.settlements.store import SettlementState

    with environment.hub() as hub:
        tables = month_tables(hub, month, department)
        for settlement in tables:
            if settlement.state not in remitting.ANSWERED:
                output.say(f"{settlement.department}: {SettlementState(settlement.state).label}")
        answered = [settlement for settlement in tables if settlement.state in remitting.ANSWERED]
        if not answered:
            leave(
                ExitCode.REFUSED,
                vi("hub: no table of {month:%m/%Y} waits for a transfer: no payment order is made", month=month),
            )
        for settlement in answered:
            with hub.db.connection() as conn:
                warn_unshown(conn, settlement.id, settlement.department)
            order = act(hub, lambda uow, one=settlement.id: remitting.remit(uow, one, reason))  # type: ignore[misc]
            output.say(f"{settlement.department}: {order.id} {order.reference} {grouped(order.amount)} ✔")


@app.command()
def verify(
    file: Annotated[
        Path,
        Argument(metavar="FILE", exists=True, help="A package, the folder it was unpacked to, or a printed table."),
    ],
    trust: TrustFile = None,
    offline: Annotated[bool, Option("--offline", help="Without a database; requires --trust.")] = False,
    as_json: AsJson = False,
) -> None:
    """Verify a package: VALID (exit 0), INVALID (3) or CANNOT TELL (4: evidence missing), with reasons; 2: none."""
    from hub.cli import handoff

    believed: Trust = handoff.trust_of(trust, offline=offline)
    handoff.print_verdict(verify_file(file, believed), as_json=as_json)


def warn_unshown(conn: "Connection", settlement_id: str, of: str) -> None:
    """Print how much of a table no statement has confirmed yet; nothing if all is confirmed."""
    from hub.fees.settlements import store as unshown

    missing = unshown.unshown_of(conn, settlement_id)
    if missing.amount:
        output.say(
            vi(
                "note: {of}: {amount} VND of {demands} demands has been notified only, and is on no"
                " statement (hub fee exceptions list --code N01)",
                of=of,
                amount=grouped(missing.amount),
                demands=missing.demands,
            )
        )


def month_tables(hub: "Hub", month: datetime, department: str | None) -> "list[Settlement]":
    """Return the valid tables of the month. Exits with 4 if there is none."""
    from hub.fees.settlements import store

    with hub.db.connection() as conn:
        tables = store.of_month(conn, month.date(), department)
    if not tables:
        of = vi(" of {department}", department=department) if department else ""
        leave(
            ExitCode.NOT_FOUND,
            vi(
                "hub: there is no table of {month:%m/%Y}{of} yet; tables are made when the month is"
                " closed: hub fee close --month",
                month=month,
                of=of,
            ),
        )
    return tables


def act(hub: "Hub", command: "Callable[[UnitOfWork], Any]") -> Any:
    """Run ``command`` in the name of the actor, and return its result."""
    from hub import dispatch

    def run(uow: "UnitOfWork") -> tuple[Any, list[Any]]:
        done = command(uow)
        return done, done if isinstance(done, list) else []

    return dispatch.run_command(hub, writing.actor(), run)
