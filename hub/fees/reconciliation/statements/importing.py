"""A file of statements comes in: accepted whole, or kept whole with what is wrong with it. Nothing is half posted.

Everything is judged and written inside one savepoint; whatever is found takes all of it back.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Final, Literal

from psycopg import Rollback

from config.banks import Bank
from hub.audit import AuditAction
from hub.clock import local
from hub.errors import InvalidState, NotFound
from hub.events import Event
from hub.fees import clerks, exceptions
from hub.fees.reconciliation.matching import run
from hub.fees.reconciliation.statements import gates, store
from hub.fees.reconciliation.statements.model import APPROVABLE, LIFECYCLE, FileFinding, FileStatus
from hub.fees.reconciliation.statements.placing import place, statement_summary
from hub.locale import vi
from hub.messages.model import Message
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id
from schemas.statement import Format, Statement, StatementCode, UnreadableFile

KIND: Final = "bank.statement"
FILE: Final = "statement_file"
"""the type of the object that an exception is about"""
WAITS: Final = frozenset({StatementCode.MISSING_DAY})
"""what mends itself when the statement before it comes"""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a file."""

    id: str
    name: str
    state: FileStatus
    repeated: bool
    """these very bytes were there already; nothing was done"""
    summary: Sequence[Mapping[str, Any]]
    findings: Sequence[Mapping[str, Any]]

    @property
    def is_accepted(self) -> bool:
        return self.state in (FileStatus.ACCEPTED, FileStatus.ACCEPTED_WITH_APPROVAL, FileStatus.SUPERSEDED)


@dataclass(slots=True)
class Read:
    """A file as far as it was read and judged in itself."""

    format: Format | None = None
    statements: list[Statement] = field(default_factory=list)
    findings: list[FileFinding] = field(default_factory=list)

    @property
    def summary(self) -> list[dict[str, Any]]:
        return [statement_summary(one) for one in self.statements]


def arrived(uow: UnitOfWork, message: Message) -> list[Event]:
    """A file that was fetched. That it is quarantined is a result like another: an exception waits for a person."""
    bank = next(one for one in uow.catalogue.banks.values() if one.counterparty == message.source)
    row = uow.conn.execute("SELECT external_id FROM inbox WHERE id = %s", (message.id,)).fetchone()
    _, _, name = (row["external_id"] if row else "").partition(":")
    bring(uow, bank, name or message.id, message.body)
    return []


def bring(uow: UnitOfWork, bank: Bank, name: str, body: bytes) -> ImportResult:
    """Accept the file ``body``, or keep it with its findings.

    The same bytes again do nothing, but for a file that is held, or discarded unread: its verdict is of its bytes and
    the profile, so by another profile it is read anew.
    """
    store.lock(uow.conn, [bank.code])
    stored = store.same_bytes(uow.conn, body)
    if stored is not None:
        return _anew(uow, bank, stored) if can_be_read_anew(stored, bank) else _repeated(stored)
    contents = read(uow, bank, body)
    file_id = new_id(Prefix.STATEMENT_FILE)
    state = FileStatus.QUARANTINED if contents.findings else FileStatus.BALANCED
    store.add_file(
        uow.conn,
        store.NewFile(
            id=file_id,
            bank=bank.code,
            name=name,
            body=body,
            format=contents.format,
            profile=profile(bank),
            state=state,
            submitted_by=uow.actor,
            at=uow.now,
            findings=contents.findings,
            summary=contents.summary,
        ),
    )
    summary, findings = contents.summary, contents.findings
    if not findings:
        state, summary, findings = try_to_place(uow, bank, file_id, contents.statements)
    else:
        _open_exceptions(uow, file_id, findings)
    uow.write_audit(file_id, AuditAction.STATEMENT_FILE_IMPORTED, after=state)
    if state is FileStatus.ACCEPTED:
        go_on(uow, bank)
    return ImportResult(file_id, name, state, False, summary, [finding.as_json() for finding in findings])


def try_out(uow: UnitOfWork, bank: Bank, named: Sequence[tuple[str, bytes]]) -> list[ImportResult]:
    """What would come of files that are brought in one after the other; nothing of it stays."""
    with uow.savepoint(force_rollback=True):
        results = [bring(uow, bank, name, body) for name, body in named]
    uow.wakeups.clear()  # they are about what is not there
    return results


def profile(bank: Bank) -> bytes:
    """What a verdict depends on besides the file: all that says how the bank's files are read, and our release."""
    settings = {
        "release": version("lienthong-hub"),
        "bank": bank.code,
        "accounts": [account.model_dump(mode="json") for account in bank.accounts],
        "statements": bank.statements.model_dump(mode="json", exclude={"fetch"}),
    }
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).digest()


def can_be_read_anew(file: store.File, bank: Bank) -> bool:
    """Whether another profile's verdict holds the file, and nobody has said what becomes of what stands in it.

    So of what one person has discarded too: nobody could read it (what two persons reject has a proposal).
    """
    is_held = file.state in (FileStatus.QUARANTINED, FileStatus.REJECTED) and file.proposal is None
    return is_held and file.profile != profile(bank)


def reread(uow: UnitOfWork, file_id: str) -> ImportResult:
    """Read a file that is held, or discarded unread, anew by today's profile of its bank.

    Raises NotFound, InvalidState, Forbidden.
    """
    clerks.check_clerk(uow)
    file = store.file(uow.conn, file_id)
    if file is None:
        raise NotFound(vi("there is no statement file {file_id}", file_id=file_id))
    bank = uow.catalogue.banks.get(file.bank)
    if bank is None:
        raise InvalidState(vi("the catalogue no longer has bank {bank}", bank=file.bank))
    if not can_be_read_anew(file, bank):
        sentence = vi(
            "file {file_id} is {state}: only a held file, or one discarded as unreadable, can be read again",
            file_id=file_id,
            state=file.state.value,
        )
        raise InvalidState(
            vi("{sentence}, once the bank's profile has changed and nobody has proposed anything", sentence=sentence)
        )
    store.lock(uow.conn, [bank.code])
    return _anew(uow, bank, file)


def _repeated(file: store.File) -> ImportResult:
    return ImportResult(file.id, file.name, file.state, True, file.summary, file.findings)


def _anew(uow: UnitOfWork, bank: Bank, file: store.File) -> ImportResult:
    contents = read(uow, bank, file.body)
    store.read_anew(uow.conn, file.id, bank.code, contents.format, profile(bank))
    exceptions.resolve_about(uow.conn, FILE, [file.id], "read anew by another profile")
    state, summary, findings = FileStatus.QUARANTINED, contents.summary, contents.findings
    if findings:
        store.settle(uow.conn, file.id, state, None, summary=summary, findings=findings)
        _open_exceptions(uow, file.id, findings)
    else:
        LIFECYCLE.check(state, FileStatus.BALANCED)
        state, summary, findings = try_to_place(uow, bank, file.id, contents.statements)
    uow.write_audit(file.id, AuditAction.STATEMENT_FILE_REREAD, before=file.state, after=state)
    if state is FileStatus.ACCEPTED:
        go_on(uow, bank)
    return ImportResult(file.id, file.name, state, False, summary, [finding.as_json() for finding in findings])


def read(uow: UnitOfWork, bank: Bank, body: bytes) -> Read:
    """The file's statements, and all that is wrong with them in themselves."""
    try:
        format_, statements = uow.read_statements(bank, body)
    except UnreadableFile as error:
        return Read(findings=[FileFinding(error.code, error.sentence, line=error.line)])
    today, days, is_working = local(uow.now).date(), bank.statements.value_days, uow.calendar.is_working_day
    findings = [
        finding
        for one in statements
        for finding in gates.judge(one, bank.account(one.account), value_days=days, today=today, is_working=is_working)
    ]
    return Read(format_, statements, findings)


def try_to_place(
    uow: UnitOfWork, bank: Bank, file_id: str, statements: Sequence[Statement]
) -> tuple[FileStatus, list[dict[str, Any]], list[FileFinding]]:
    """Put all statements of a file into their accounts' histories, or none. Where it stands then, and why."""
    summary: list[dict[str, Any]] = []
    findings: list[FileFinding] = []
    with uow.savepoint() as savepoint:
        for one in in_order(statements):
            placing = place(uow, bank, file_id, one)
            summary.append(dict(placing.summary))
            if placing.findings:
                findings += placing.findings
                raise Rollback(savepoint)
    if not findings:
        LIFECYCLE.check(FileStatus.BALANCED, FileStatus.ACCEPTED)
        store.settle(uow.conn, file_id, FileStatus.ACCEPTED, uow.now, summary=summary, findings=[])
        run.ask(uow, file_id)
        return FileStatus.ACCEPTED, summary, []
    waits = {finding.code for finding in findings} <= WAITS
    state = FileStatus.BALANCED if waits else FileStatus.QUARANTINED
    summary = [statement_summary(one) for one in statements]
    store.settle(uow.conn, file_id, state, None, summary=summary, findings=findings)
    _open_exceptions(uow, file_id, findings)
    return state, summary, findings


def in_order(statements: Sequence[Statement]) -> list[Statement]:
    """By account and days, however the bank has put them."""
    return sorted(statements, key=lambda one: (one.account, one.from_date, one.to_date, one.sequence or 0))


def go_on(uow: UnitOfWork, bank: Bank) -> None:
    """Files that waited for what has come now. Each that is accepted may be what another waits for."""
    while any(_again(uow, bank, file_id) for file_id in store.waiting(uow.conn, bank.code)):
        pass


def _again(uow: UnitOfWork, bank: Bank, file_id: str) -> bool:
    file = store.file(uow.conn, file_id)
    if file is None:
        return False
    contents = read(uow, bank, file.body)
    if contents.findings:
        return False
    state, _, _ = try_to_place(uow, bank, file_id, contents.statements)
    if state is not FileStatus.ACCEPTED:
        return False
    exceptions.resolve_about(uow.conn, FILE, [file_id], "the statement before it has come")
    uow.write_audit(file_id, AuditAction.STATEMENT_FILE_ACCEPTED, before=file.state, after=state)
    return True


def _open_exceptions(uow: UnitOfWork, file_id: str, findings: Sequence[FileFinding]) -> None:
    """One exception for each code: the money that it is about, and where."""
    for code in sorted({finding.code for finding in findings}):
        about = [finding for finding in findings if finding.code is code]
        at_risk = max(abs(finding.total or 0) for finding in about)
        exceptions.open_exception(uow, code, FILE, file_id, at_risk, {"findings": [one.as_json() for one in about]})


# Out of quarantine: one person proposes, another decides. What does not add up, or is not ours, nobody may accept.

Verdict = Literal["approve", "reject"]
_PROPOSALS: Final[Mapping[Verdict, AuditAction]] = {
    "approve": AuditAction.STATEMENT_FILE_APPROVAL_PROPOSED,
    "reject": AuditAction.STATEMENT_FILE_REJECTION_PROPOSED,
}
_OPEN: Final = (FileStatus.QUARANTINED, FileStatus.BALANCED)


def decide(uow: UnitOfWork, file_id: str, verdict: Verdict, reason: str) -> tuple[ImportResult, list[Event]]:
    """Propose ``verdict``, or agree with the one that another person has proposed. A file of which nothing could be
    read is discarded by one person. Raises NotFound, InvalidState, Forbidden.
    """
    clerks.check_clerk(uow)
    file = store.file(uow.conn, file_id)
    if file is None:
        raise NotFound(vi("there is no statement file {file_id}", file_id=file_id))
    bank = uow.catalogue.banks.get(file.bank)
    if bank is None:
        raise InvalidState(vi("the catalogue no longer has bank {bank}", bank=file.bank))
    if file.state not in _OPEN:
        raise InvalidState(
            vi("file {file_id} is {state}: there is nothing to decide", file_id=file_id, state=file.state.value)
        )
    store.lock(uow.conn, [bank.code])
    if verdict == "reject" and file.proposal is None and not file.summary:
        clerks.check_proposes(uow)
        return _reject(uow, bank, file, reason), []
    if file.proposal is None or (clerks.is_maker(uow, file.maker) and file.proposal != verdict):
        return _propose(uow, bank, file, verdict, reason), []
    clerks.check_agrees(uow, file.maker)
    if file.proposal != verdict:
        raise InvalidState(
            vi(
                "{proposal} has been proposed: agree to exactly that, or let who proposed it change it",
                proposal=file.proposal,
            )
        )
    return (_approve if verdict == "approve" else _reject)(uow, bank, file, reason), []


def _propose(uow: UnitOfWork, bank: Bank, file: store.File, verdict: Verdict, reason: str) -> ImportResult:
    clerks.check_proposes(uow)
    if verdict == "approve":
        contents = read(uow, bank, file.body)
        _check(contents.statements, contents.findings, file.id)
        if can_be_read_anew(file, bank):
            sentence = vi("file {id} was read with an older profile; first: hub fee statements reread {id}", id=file.id)
            raise InvalidState(vi("{sentence} (a correct file needs no second person)", sentence=sentence))
    store.propose(uow.conn, file.id, verdict, uow.actor, reason)
    uow.write_audit(file.id, _PROPOSALS[verdict], before=file.state, after=file.state, reason=reason)
    return ImportResult(file.id, file.name, file.state, False, file.summary, file.findings)


def _check(statements: list[Statement], findings: list[FileFinding], file_id: str) -> None:
    refused = sorted({finding.code for finding in findings if finding.code not in APPROVABLE or not statements})
    if refused:
        raise InvalidState(
            vi(
                "file {file_id}: {listed} cannot be approved; ask the bank for a correct file, or mend"
                " the profile and then: hub fee statements reread {file_id}",
                file_id=file_id,
                listed=", ".join(refused),
            )
        )


def _approve(uow: UnitOfWork, bank: Bank, file: store.File, reason: str) -> ImportResult:
    contents = read(uow, bank, file.body)
    _check(contents.statements, contents.findings, file.id)
    LIFECYCLE.check(file.state, FileStatus.ACCEPTED_WITH_APPROVAL)
    accepted, summary = list(contents.findings), list[dict[str, Any]]()
    for one in in_order(contents.statements):
        placing = place(uow, bank, file.id, one, approved=True)
        summary.append(dict(placing.summary))
        accepted += placing.findings
    state = FileStatus.ACCEPTED_WITH_APPROVAL
    store.settle(uow.conn, file.id, state, uow.now, checker=uow.actor, summary=summary, findings=accepted)
    run.ask(uow, file.id)
    _end(uow, file, state, "approved", AuditAction.STATEMENT_FILE_APPROVED, reason)
    go_on(uow, bank)
    return ImportResult(file.id, file.name, state, False, summary, [finding.as_json() for finding in accepted])


def _reject(uow: UnitOfWork, _: Bank, file: store.File, reason: str) -> ImportResult:
    LIFECYCLE.check(file.state, FileStatus.REJECTED)
    store.settle(uow.conn, file.id, FileStatus.REJECTED, uow.now, checker=uow.actor)
    _end(uow, file, FileStatus.REJECTED, "rejected", AuditAction.STATEMENT_FILE_REJECTED, reason)
    return ImportResult(file.id, file.name, FileStatus.REJECTED, False, file.summary, file.findings)


def _end(
    uow: UnitOfWork, file: store.File, state: FileStatus, resolution: str, action: AuditAction, reason: str
) -> None:
    first, second = (file.maker, uow.actor) if file.maker else (uow.actor, None)
    exceptions.resolve_about(uow.conn, FILE, [file.id], resolution, maker=first, checker=second)
    uow.write_audit(file.id, action, before=file.state, after=state, reason=reason)
