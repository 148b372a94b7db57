"""The judge of an export bundle: VALID, INVALID or CANNOT TELL, from the bundle and the reader's trust list.

No database, no network, no settings. Everything is judged as of the time stamp: a signature made before its certificate
was revoked or ran out stays what it was. Whose signatures they have to be is hub.signing.parties' to say.
"""

from collections.abc import Sequence

from hub.signing import bundle_trust
from hub.signing.act_judge import ActJudge, JudgedAct, shown
from hub.signing.bundle import Bundle
from hub.signing.findings import Verdict, VerdictCode, Weight
from hub.signing.trust import Trust
from hub.signing.verifier import SKEW
from schemas.handoff import HandoffRecord, MinuteRecord, ReceiptRecord
from schemas.identifiers import agency_scheme
from schemas.settlement import SettlementTable


def judge(bundle: Bundle, trust: Trust) -> Verdict:
    """What is to be thought of ``bundle`` by whoever believes ``trust``."""
    verdict = Verdict()
    for name in bundle.changed:
        verdict.add(Weight.WRONG, VerdictCode.FILE_CHANGED, name)
    for name in bundle.foreign:
        verdict.add(Weight.NOTE, VerdictCode.SCRIPT_UNKNOWN, name)
    known = bundle_trust.trust_with_bundle(bundle, trust, verdict)
    parts: list[JudgedAct] = []
    for number, act in enumerate(bundle.acts, start=1):
        given = parts[0].record if parts else None
        handoff = given if isinstance(given, HandoffRecord) else None
        parts.append(ActJudge(f"{number:02}-{act.kind}", act, known, verdict, handoff).judge())
    _check_answers(parts, verdict)
    _check_forks(parts, verdict)
    return verdict


def _check_answers(parts: Sequence[JudgedAct], verdict: Verdict) -> None:
    """Receipt and minute answer the handoff of this bundle, by the hash of its record."""
    handoff, answers = parts[0], parts[1:]
    if not answers:
        verdict.add(Weight.NOTE, VerdictCode.NO_ANSWER, handoff.where)
    for answer in answers:
        if answer.kind in ("handoff", "settlement"):
            verdict.add(Weight.WRONG, VerdictCode.UNEXPECTED_PART, answer.where)
        said, given = answer.record, handoff.record
        if said is None or isinstance(said, HandoffRecord | SettlementTable):
            continue
        if said.record != handoff.record_hash.hex():
            verdict.add(Weight.WRONG, VerdictCode.ANSWER_OF_ANOTHER, answer.where)
        elif isinstance(given, HandoffRecord):
            _check_answer(answer.where, given, said, verdict)


def _check_answer(where: str, given: HandoffRecord, said: ReceiptRecord | MinuteRecord, verdict: Verdict) -> None:
    if (said.handoff, said.dossier, said.leg) != (given.id, given.dossier, given.leg):
        verdict.add(Weight.WRONG, VerdictCode.ANSWER_OF_ANOTHER, where)
    if isinstance(said, ReceiptRecord):
        if _are_two(said.receiver.agency, given.receiver.agency):
            verdict.add(Weight.WRONG, VerdictCode.ANSWER_OF_ANOTHER, where, said.receiver.agency)
        if said.received_at < given.given_at - SKEW:
            detail = f"{shown(said.received_at)} < {shown(given.given_at)}"
            verdict.add(Weight.WRONG, VerdictCode.TIMES, where, detail)


def _are_two(one: str, other: str) -> bool:
    """Whether the codes are of two agencies; in two registers one agency has two codes."""
    return one != other and agency_scheme(one) is agency_scheme(other)


def _check_forks(parts: Sequence[JudgedAct], verdict: Verdict) -> None:
    roots: dict[tuple[str, int], str] = {}
    for part in parts:
        if part.checkpoint is not None:
            point = part.checkpoint
            if roots.setdefault((point.log, point.size), point.root) != point.root:
                verdict.add(Weight.WRONG, VerdictCode.FORKED, part.where, f"{point.log}, {point.size}")
