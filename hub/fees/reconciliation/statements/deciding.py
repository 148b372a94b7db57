"""Out of quarantine: one person proposes, another decides. What does not add up, or is not ours, nobody may accept."""

from typing import Any, Final, Literal

from config.banks import Bank
from hub.errors import InvalidState, NotFound
from hub.events import Event
from hub.fees import clerks
from hub.fees.reconciliation.matching import run_requests
from hub.fees.reconciliation.statements import importing, store
from hub.fees.reconciliation.statements.importing import ImportResult
from hub.fees.reconciliation.statements.model import APPROVABLE, FileFinding
from hub.fees.reconciliation.statements.placing import place
from hub.fees.reconciliation.statements.states import LIFECYCLE, FileStatus
from hub.unit_of_work import UnitOfWork
from schemas.statement import Statement

Verdict = Literal["approve", "reject"]
_OPEN: Final = (FileStatus.QUARANTINED, FileStatus.BALANCED)


def decide(uow: UnitOfWork, file_id: str, verdict: Verdict, reason: str) -> tuple[ImportResult, list[Event]]:
    """Propose ``verdict``, or agree with the one that another person has proposed. A file of which nothing could be
    read is discarded by one person. Raises NotFound, InvalidState, Forbidden.
    """
    clerks.check_clerk(uow)
    kept = store.file(uow.conn, file_id)
    if kept is None:
        raise NotFound(f"không có tệp sao kê {file_id}")
    bank = uow.catalogue.banks.get(kept.bank)
    if bank is None:
        raise InvalidState(f"danh mục không còn ngân hàng {kept.bank}")
    if kept.state not in _OPEN:
        raise InvalidState(f"tệp {file_id} đang {kept.state.value}: không có gì để quyết định")
    store.lock(uow.conn, [bank.code])
    if verdict == "reject" and kept.proposal is None and not kept.summary:
        clerks.check_proposes(uow)
        return _reject(uow, bank, kept, reason), []
    if kept.proposal is None or (clerks.is_maker(uow, kept.maker) and kept.proposal != verdict):
        return _propose(uow, bank, kept, verdict, reason), []
    clerks.check_agrees(uow, kept.maker)
    if kept.proposal != verdict:
        raise InvalidState(f"đang có đề nghị {kept.proposal}: đồng ý đúng như vậy, hoặc để người đề nghị đổi ý")
    return (_approve if verdict == "approve" else _reject)(uow, bank, kept, reason), []


def _propose(uow: UnitOfWork, bank: Bank, kept: store.File, verdict: Verdict, reason: str) -> ImportResult:
    clerks.check_proposes(uow)
    if verdict == "approve":
        found = importing.read(uow, bank, kept.body)
        _check(found.statements, found.findings, kept.id)
        if importing.can_be_read_anew(kept, bank):
            sentence = f"tệp {kept.id} đã đọc theo cấu hình cũ; trước hết: hub fee statements reread {kept.id}"
            raise InvalidState(f"{sentence} (tệp đúng thì không cần người thứ hai)")
    store.propose(uow.conn, kept.id, verdict, uow.actor, reason)
    uow.note(kept.id, f"{verdict} proposed", before=kept.state, after=kept.state, reason=reason)
    return ImportResult(kept.id, kept.name, kept.state, False, kept.summary, kept.findings)


def _check(statements: list[Statement], findings: list[FileFinding], file_id: str) -> None:
    refused = sorted({finding.code for finding in findings if finding.code not in APPROVABLE or not statements})
    if refused:
        raise InvalidState(
            f"tệp {file_id}: {', '.join(refused)} không duyệt được; xin ngân hàng tệp đúng, hoặc sửa cấu hình"
            f" đọc tệp rồi: hub fee statements reread {file_id}"
        )


def _approve(uow: UnitOfWork, bank: Bank, kept: store.File, reason: str) -> ImportResult:
    found = importing.read(uow, bank, kept.body)
    _check(found.statements, found.findings, kept.id)
    LIFECYCLE.check(kept.state, FileStatus.ACCEPTED_WITH_APPROVAL)
    accepted, summary = list(found.findings), list[dict[str, Any]]()
    for one in importing.in_order(found.statements):
        placing = place(uow, bank, kept.id, one, approved=True)
        summary.append(dict(placing.told))
        accepted += placing.findings
    state = FileStatus.ACCEPTED_WITH_APPROVAL
    store.settle(uow.conn, kept.id, state, uow.now, checker=uow.actor, summary=summary, findings=accepted)
    run_requests.ask(uow, kept.id)
    _end(uow, kept, state, "approved", reason)
    importing.go_on(uow, bank)
    return ImportResult(kept.id, kept.name, state, False, summary, [finding.told() for finding in accepted])


def _reject(uow: UnitOfWork, _: Bank, kept: store.File, reason: str) -> ImportResult:
    LIFECYCLE.check(kept.state, FileStatus.REJECTED)
    store.settle(uow.conn, kept.id, FileStatus.REJECTED, uow.now, checker=uow.actor)
    _end(uow, kept, FileStatus.REJECTED, "rejected", reason)
    return ImportResult(kept.id, kept.name, FileStatus.REJECTED, False, kept.summary, kept.findings)


def _end(uow: UnitOfWork, kept: store.File, state: FileStatus, verb: str, reason: str) -> None:
    first, second = (kept.maker, uow.actor) if kept.maker else (uow.actor, None)
    importing.close_cases(uow, kept.id, verb, maker=first, checker=second)
    uow.note(kept.id, verb, before=kept.state, after=state, reason=reason)
