"""Out of quarantine: one person proposes, another decides. What does not add up, or is not ours, nobody may accept."""

from typing import Any, Final, Literal

from config.banks import Bank
from hub.errors import NotFound, NotNow
from hub.events import Event
from hub.fees import persons
from hub.fees.matching import asking
from hub.fees.statements import importing, store
from hub.fees.statements.importing import Result
from hub.fees.statements.model import APPROVABLE, Finding
from hub.fees.statements.placing import place
from hub.fees.statements.states import LIFECYCLE, Status
from hub.work import Work
from schemas.statement import Statement

Verdict = Literal["approve", "reject"]
_OPEN: Final = (Status.QUARANTINED, Status.BALANCED)


def decide(work: Work, file_id: str, verdict: Verdict, reason: str) -> tuple[Result, list[Event]]:
    """Propose ``verdict``, or agree with the one that another person has proposed. A file of which nothing could be
    read is discarded by one person. Raises NotFound, NotNow, MayNot.
    """
    persons.check_clerk(work)
    kept = store.file(work.conn, file_id)
    if kept is None:
        raise NotFound(f"không có tệp sao kê {file_id}")
    bank = work.catalogue.banks.get(kept.bank)
    if bank is None:
        raise NotNow(f"danh mục không còn ngân hàng {kept.bank}")
    if kept.state not in _OPEN:
        raise NotNow(f"tệp {file_id} đang {kept.state.value}: không có gì để quyết định")
    store.lock(work.conn, [bank.code])
    if verdict == "reject" and kept.proposal is None and not kept.summary:
        persons.check_proposes(work)
        return _reject(work, bank, kept, reason), []
    if kept.proposal is None or (persons.is_maker(work, kept.maker) and kept.proposal != verdict):
        return _propose(work, bank, kept, verdict, reason), []
    persons.check_agrees(work, kept.maker)
    if kept.proposal != verdict:
        raise NotNow(f"đang có đề nghị {kept.proposal}: đồng ý đúng như vậy, hoặc để người đề nghị đổi ý")
    return (_approve if verdict == "approve" else _reject)(work, bank, kept, reason), []


def _propose(work: Work, bank: Bank, kept: store.File, verdict: Verdict, reason: str) -> Result:
    persons.check_proposes(work)
    if verdict == "approve":
        found = importing.read(work, bank, kept.body)
        _check(found.statements, found.findings, kept.id)
        if importing.can_be_read_anew(kept, bank):
            sentence = f"tệp {kept.id} đã đọc theo cấu hình cũ; trước hết: hub fee statements reread {kept.id}"
            raise NotNow(f"{sentence} (tệp đúng thì không cần người thứ hai)")
    store.propose(work.conn, kept.id, verdict, work.actor, reason)
    work.note(kept.id, f"{verdict} proposed", before=kept.state, after=kept.state, reason=reason)
    return Result(kept.id, kept.name, kept.state, False, kept.summary, kept.findings)


def _check(statements: list[Statement], findings: list[Finding], file_id: str) -> None:
    refused = sorted({finding.code for finding in findings if finding.code not in APPROVABLE or not statements})
    if refused:
        raise NotNow(
            f"tệp {file_id}: {', '.join(refused)} không duyệt được; xin ngân hàng tệp đúng, hoặc sửa cấu hình"
            f" đọc tệp rồi: hub fee statements reread {file_id}"
        )


def _approve(work: Work, bank: Bank, kept: store.File, reason: str) -> Result:
    found = importing.read(work, bank, kept.body)
    _check(found.statements, found.findings, kept.id)
    LIFECYCLE.check(kept.state, Status.ACCEPTED_WITH_APPROVAL)
    accepted, summary = list(found.findings), list[dict[str, Any]]()
    for one in importing.in_order(found.statements):
        placing = place(work, bank, kept.id, one, approved=True)
        summary.append(dict(placing.told))
        accepted += placing.findings
    state = Status.ACCEPTED_WITH_APPROVAL
    store.settle(work.conn, kept.id, state, work.now, checker=work.actor, summary=summary, findings=accepted)
    asking.ask(work, kept.id)
    _end(work, kept, state, "approved", reason)
    importing.go_on(work, bank)
    return Result(kept.id, kept.name, state, False, summary, [finding.told() for finding in accepted])


def _reject(work: Work, _: Bank, kept: store.File, reason: str) -> Result:
    LIFECYCLE.check(kept.state, Status.REJECTED)
    store.settle(work.conn, kept.id, Status.REJECTED, work.now, checker=work.actor)
    _end(work, kept, Status.REJECTED, "rejected", reason)
    return Result(kept.id, kept.name, Status.REJECTED, False, kept.summary, kept.findings)


def _end(work: Work, kept: store.File, state: Status, verb: str, reason: str) -> None:
    first, second = (kept.maker, work.actor) if kept.maker else (work.actor, None)
    importing.close_cases(work, kept.id, verb, maker=first, checker=second)
    work.note(kept.id, verb, before=kept.state, after=state, reason=reason)
