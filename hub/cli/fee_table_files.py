"""A department's table as files: the rooms of fees and of papers meet here."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.cli.exits import ExitCode, leave
from hub.cli.files import read_sent

if TYPE_CHECKING:
    from hub.app import Hub
    from hub.events import Event
    from hub.fees.settlements.model import Settlement
    from hub.fees.settlements.package import Package
    from hub.fees.settlements.store import SealedTable
    from hub.papers.findings import JudgedPaper
    from hub.papers.forms import FeeTable
    from hub.signing.findings import Verdict, VerdictAnswer
    from hub.signing.trust import Trust
    from hub.unit_of_work import UnitOfWork
    from schemas.settlement import SettlementTable


@dataclass(frozen=True, slots=True)
class Both:
    """A package, and the print that lies in it."""

    package: "Verdict"
    printed: "JudgedPaper"

    @property
    def findings(self) -> "list[Any]":
        return [*self.package.findings, *self.printed.findings]

    @property
    def answer(self) -> "VerdictAnswer":
        """The worse of the two."""
        from hub.signing.findings import VerdictAnswer

        both = {self.package.answer, self.printed.answer}
        return next(
            one for one in (VerdictAnswer.INVALID, VerdictAnswer.CANNOT_TELL, VerdictAnswer.VALID) if one in both
        )


def written(
    hub: "Hub", settlement: "Settlement", suffix: str, officer: str | None, *, unsigned: bool
) -> dict[str, bytes]:
    """Suffix → content of what was asked for by ``suffix``."""
    from hub.fees.settlements import sheet, store
    from schemas.settlement import SettlementTable

    with hub.db.connection() as conn:
        handed = store.handed(conn, settlement.id)
    table = SettlementTable.model_validate_json(handed.body)
    if suffix == ".json":
        return {".json": handed.body, ".p7s": handed.signature}
    if suffix == ".xlsx":
        return {suffix: sheet.written(table, settlement.sha256.hex(), hub.catalogue.portal.centre_name)}
    printed = _printed(hub, _form(hub, table, handed), officer, unsigned=unsigned)
    return {suffix: printed if suffix == ".pdf" else _package(hub, settlement, printed)}


def judged(file: Path, trust: "Trust") -> "Verdict | JudgedPaper | Both":
    """By the judge of printed forms if it is a PDF, else as a package, with the print inside it."""
    from hub.clock import now
    from hub.fees.settlements import judging, package
    from hub.papers.verify import verify_pdf
    from hub.signing import archive
    from hub.signing.archive import NotABundle

    if file.is_file() and (data := read_sent(file)).startswith(b"%PDF-"):
        return verify_pdf(data, trust, now())
    try:
        read = package.assemble(archive.opened(file, package.NAMES))
    except NotABundle as error:
        leave(ExitCode.USAGE, f"hub: {file} không phải gói chứng từ tháng: {error}")
    found, at = judging.judge(read, trust)
    if "table.pdf" not in read.files:
        return found
    return Both(found, _of_print(read, verify_pdf(read.files["table.pdf"], trust, at or now())))


def _of_print(read: "Package", printed: "JudgedPaper") -> "JudgedPaper":
    """What was found in the print, and whether the table inside it is the package's."""
    from hub.papers.findings import JudgedPaper, PaperCode, PaperFinding
    from hub.signing.findings import Weight

    inside = [content for name, content in printed.attachments.items() if name.endswith(".json")]
    if inside == [read.table]:
        return printed
    other = PaperFinding(Weight.WRONG, PaperCode.RECORD, "table.pdf", "the table in the print is another")
    return JudgedPaper((*printed.findings, other), printed.attachments)


def _printed(hub: "Hub", form: "FeeTable", officer: str | None, *, unsigned: bool) -> bytes:
    from hub.cli import handoff_print
    from hub.clock import now
    from hub.papers import render

    pdf = render.render(form)
    if unsigned:
        return pdf
    chosen = handoff_print.signatory(hub, officer, None, now())
    return handoff_print.signed(hub, pdf, form, chosen, time_stamp=False)


def _form(hub: "Hub", table: "SettlementTable", handed: "SealedTable") -> "FeeTable":
    from hub.cli.handoff_print import office
    from hub.fees.exceptions.codes import ExceptionCode as Case
    from hub.fees.settlements import words
    from hub.papers.forms import Attachment, FeeTable, MonthFeeRow, OpenCases
    from schemas.amount_in_words import in_words

    name = table.settlement_id
    columns = ("count", "carried", "receipts", "refunds", "adjustments", "retained", "net")
    return FeeTable(
        number=f"BTH-{table.month}/{table.department}",
        at=table.closed_at,
        office=office(hub.catalogue),
        department=table.department_name,
        month=words.month(table.month),
        rows=tuple(
            MonthFeeRow(fee.fee_code, fee.title, words.KINDS[fee.kind], *(getattr(fee, column) for column in columns))
            for fee in table.fees
        ),
        rule=words.RULE,
        in_words=in_words(table.net) if table.net > 0 else "",
        receipts=tuple(
            f"{fee.title}: ký hiệu {one.series}, số {one.first} đến {one.last} ({one.count} biên lai)"
            for fee in table.fees
            for one in fee.issued
        ),
        open_cases=tuple(
            OpenCases(one.code, Case(one.code).about.title.vi, one.count, one.at_risk) for one in table.open_cases
        ),
        lines=len(table.lines),
        sha256=hashlib.sha256(handed.body).hexdigest(),
        book=table.book,
        last_entry=table.last_entry,
        attachments=(
            Attachment(f"{name}.json", "application/json", handed.body, "Bảng tổng hợp (JSON, RFC 8785)"),
            Attachment(f"{name}.p7s", "application/pkcs7-signature", handed.signature, "Chữ ký số: bảng tổng hợp"),
        ),
    )


def _package(hub: "Hub", settlement: "Settlement", printed: bytes) -> bytes:
    """The month package; of a transferred month it is handed over with it."""
    from hub import dispatch
    from hub.cli import writing
    from hub.clock import now
    from hub.fees.settlements import handing, package
    from hub.signing import crl_store

    beside = crl_store.beside(hub.settings.keys) if hub.settings.keys else []

    with hub.db.transaction() as conn:
        files = package.made(conn, settlement, hub.catalogue.portal.centre_name, beside, printed)
    made = package.sealed(files, lambda sums: hub.signer.sealed(sums, now()), lambda data: _stamped(hub, data))

    def hand(uow: "UnitOfWork") -> "tuple[None, list[Event]]":
        handing.handed(uow, settlement.id, hashlib.sha256(made).hexdigest())
        return None, []

    dispatch.run_command(hub, writing.actor(), hand)
    return made


def _stamped(hub: "Hub", data: bytes) -> bytes | None:
    """A time stamp over ``data``; None, with a word about it, where the authority does not give one now."""
    import secrets

    from connectors.errors import ConnectorError
    from hub.cli import output
    from hub.cli.handoff_print import stamp_of
    from hub.signing import stamps
    from hub.signing.verdicts import Invalid, Undecided

    digest, nonce = hashlib.sha256(data).digest(), secrets.randbits(63)
    try:
        token = stamps.read(stamp_of(hub)(stamps.request(digest, nonce)), digest, nonce)
        stamps.verify(token, data, hub.signer.trust())
    except (ConnectorError, Invalid, Undecided) as error:
        output.say(f"gói không có dấu thời gian ({error}): kiểm tra được đến khi chứng thư con dấu hết hạn")
        return None
    return token
