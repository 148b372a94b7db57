"""The oracle: the counterparties' own files, what callers were told and the hub's tables must tell one story.

The files are synced by each counterparty before it answers, so that they are witnesses which the hub cannot influence.
"""

import base64
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

import psycopg
from psycopg.rows import dict_row

from connectors.sandbox.effects import Ordered, read_effects
from connectors.sandbox.witness import Witnessed, witnessed_path
from hub.fees.proof import proving
from hub.signing import crl_store, exporting, trust_list
from hub.signing.auditing import audit
from hub.signing.judge import judge
from hub.signing.verdicts import VerdictAnswer
from schemas import strict
from schemas.custody import LogCheckpoint
from tests.faults.plan import DEPARTMENT_WEIGHTS
from tests.faults.traffic import Accepted
from tests.stack import ProcessStack

ENDPOINTS: Final = ("cong-dvc", "second")
WITNESSES: Final = ("rest-a", "soap-a", "soap-b")
ACCOUNT: Final = "1020304050607"
POST: Final = "post-a"


class FindingKind(StrEnum):
    """What a finding costs."""

    LOST = "lost"
    DOUBLED = "doubled"
    DISORDERED = "out of order"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class OracleFinding:
    """Something that is wrong, and the row or the file's line that says so. ``at``: when its submission came in."""

    kind: FindingKind
    what: str
    at: datetime | None = None

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


def findings(
    stack: ProcessStack, accepted: Mapping[str, Accepted], handoffs_to_verify: Sequence[str]
) -> list[OracleFinding]:
    """Everything that is wrong; to be asked once nothing is under way any more."""
    return [
        *_dossiers(stack, accepted),
        *_orders_by_post(stack, accepted),
        *_without_owner(stack, accepted),
        *_notices(stack, accepted),
        *_audit_log(stack, accepted),
        *_money(stack, accepted),
        *_custody(stack),
        *_handoffs(stack, handoffs_to_verify),
    ]


def _times(effects: int, due: int) -> FindingKind:
    return FindingKind.LOST if effects < due else FindingKind.DOUBLED


def _dossiers(stack: ProcessStack, accepted: Mapping[str, Accepted]) -> Iterator[OracleFinding]:
    """Each accepted submission once at its own department, and nothing there that nobody was told 202 for."""
    for department in DEPARTMENT_WEIGHTS:
        taken = Counter(effect.dossier_code for effect in stack.submitted(department))
        due = {one.planned.dossier_code: one for one in accepted.values() if one.planned.department == department}
        for code, one in due.items():
            if taken[code] != one.planned.effects:
                kind = _times(taken[code], one.planned.effects)
                yield OracleFinding(kind, f"{one.id} {code}: {taken[code]} effects at {department}", one.at)
        for code in taken.keys() - due.keys():
            yield OracleFinding(FindingKind.DOUBLED, f"{code} at {department}, and nobody was told 202")


def _orders_by_post(stack: ProcessStack, accepted: Mapping[str, Accepted]) -> Iterator[OracleFinding]:
    """Each result that goes by post is ordered once."""
    effects = read_effects(stack.effects, f"postal.{POST}")
    ordered = Counter(effect.order_number for effect in effects if isinstance(effect, Ordered))
    due = {one.planned.dossier_code: one for one in accepted.values() if one.planned.by_post}
    for code, one in due.items():
        if ordered[code] != 1:
            yield OracleFinding(_times(ordered[code], 1), f"{one.id} {code}: {ordered[code]} orders at {POST}", one.at)
    for code in ordered.keys() - due.keys():
        yield OracleFinding(FindingKind.DOUBLED, f"order {code} at {POST}, which nobody asked for")


def _without_owner(stack: ProcessStack, accepted: Mapping[str, Accepted]) -> Iterator[OracleFinding]:
    """What has not ended, but for what a magic dossier lets a person decide."""
    waits_for_a_person = {one.planned.dossier_code for one in accepted.values() if one.planned.behaviour == "9008"}
    for row in stack.rows(
        "SELECT id, source, kind, state, error_code, ordering_key FROM inbox WHERE state NOT IN ('handled', 'refused')"
    ):
        if row["state"] == "dead" and row["error_code"] == "STATUS_UNKNOWN" and waits_for_a_person:
            continue
        yield OracleFinding(
            FindingKind.OTHER, f"inbox {row['id']} ({row['kind']}): {row['state']} {row['error_code'] or ''}"
        )
    for row in stack.rows(
        "SELECT id, counterparty, kind, state, error_code FROM outbox WHERE state NOT IN ('delivered', 'refused')"
    ):
        yield OracleFinding(
            FindingKind.OTHER,
            f"outbox {row['id']} ({row['kind']} to {row['counterparty']}): {row['state']} {row['error_code'] or ''}",
        )
    status = {row["id"]: row["status"] for row in stack.rows("SELECT id, status FROM dossier")}
    for one in accepted.values():
        if one.id not in status:
            yield OracleFinding(FindingKind.LOST, f"{one.id} {one.planned.dossier_code}: no dossier", one.at)
        elif one.planned.reports and status[one.id] != "returned":
            yield OracleFinding(
                FindingKind.LOST, f"{one.id} {one.planned.dossier_code}: ends as {status[one.id]}", one.at
            )


def _notices(stack: ProcessStack, accepted: Mapping[str, Accepted]) -> Iterator[OracleFinding]:
    """Each event once at each endpoint of the portal, the versions of one submission in order."""
    events = {row["id"]: row["submission_id"] for row in stack.rows("SELECT id, submission_id FROM event")}
    for endpoint in ENDPOINTS:
        noticed = stack.noticed(endpoint)
        counted = Counter(notice.event_id for notice in noticed)
        for event in events.keys() | counted.keys():
            if counted[event] != 1:
                one = accepted.get(events.get(event, ""))
                what = f"event {event}: {counted[event]} notices at {endpoint}"
                yield OracleFinding(_times(counted[event], 1), what, one.at if one else None)
        versions: dict[str, list[int]] = defaultdict(list)
        for notice in noticed:
            versions[notice.submission_id].append(notice.version)
        for submission, order in versions.items():
            if order != sorted(order):
                one = accepted.get(submission)
                what = f"{submission}: versions {order} at {endpoint}"
                yield OracleFinding(FindingKind.DISORDERED, what, one.at if one else None)


def _audit_log(stack: ProcessStack, accepted: Mapping[str, Accepted]) -> Iterator[OracleFinding]:
    """Every submission audited once as received, every handoff once as answered."""
    rows = stack.rows("SELECT subject FROM audit_log WHERE action = 'message_received'")
    received = Counter(row["subject"] for row in rows)
    for one in accepted.values():
        if received[one.id] != 1:
            what = f"{one.id}: audited {received[one.id]} times as received"
            yield OracleFinding(_times(received[one.id], 1), what, one.at)
    rows = stack.rows("SELECT subject FROM audit_log WHERE action = 'handoff_answered'")
    for handoff, times in Counter(row["subject"] for row in rows).items():
        if times != 1:
            yield OracleFinding(FindingKind.DOUBLED, f"{handoff}: audited {times} times as answered")
    for row in stack.rows("SELECT id FROM handoff WHERE status IN ('unsigned', 'prepared')"):
        yield OracleFinding(FindingKind.OTHER, f"handoff {row['id']} was never answered")


def _money(stack: ProcessStack, accepted: Mapping[str, Accepted]) -> Iterator[OracleFinding]:
    """Every đồng of the bank's own book once in the hub's: statement lines, ledger, demands, exceptions."""
    book = _bank_book(stack.effects)
    [ledger] = stack.rows(
        "SELECT coalesce(sum(l.dr - l.cr), 0)::bigint AS net FROM ledger_line l"
        " JOIN ledger_entry e ON e.seq = l.entry_seq WHERE l.account = '111' AND e.bank_account = %s",
        ACCOUNT,
    )
    if ledger["net"] != sum(book.values()):
        what = f"account 111 has {ledger['net']} đ, the bank's own book {sum(book.values())} đ"
        yield OracleFinding(_times(ledger["net"], sum(book.values())), what)
    rows = stack.rows("SELECT bank_ref, amount FROM statement_line WHERE account = %s", ACCOUNT)
    lines = Counter(row["bank_ref"] for row in rows)
    for ref in book.keys() | lines.keys():
        if lines[ref] != (ref in book):
            yield OracleFinding(_times(lines[ref], ref in book), f"movement {ref}: {lines[ref]} statement lines")
    demands = {
        row["dossier_id"]: row
        for row in stack.rows("SELECT dossier_id, id, amount_due - waived AS due, allocated, status FROM fee_demand")
    }
    cases = Counter(row["code"] for row in stack.rows("SELECT code FROM fee_exception WHERE state <> 'resolved'"))
    for one in (one for one in accepted.values() if one.planned.payment is not None):
        demand = demands.get(one.id)
        if demand is None:
            yield OracleFinding(FindingKind.LOST, f"{one.id}: no demand of its fee", one.at)
        elif demand["allocated"] != demand["due"] or demand["status"] not in ("paid", "settled"):
            what = f"{demand['id']}: {demand['status']}, {demand['allocated']} of {demand['due']} đ are allocated"
            yield OracleFinding(FindingKind.LOST, what, one.at)
    twice = sum(one.planned.payment == "twice" for one in accepted.values())
    if cases["R03"] != twice:
        yield OracleFinding(_times(cases["R03"], twice), f"{cases['R03']} exceptions R03, {twice} fees were paid twice")
    with psycopg.connect(stack.database_url, row_factory=dict_row) as conn:
        for result in proving.prove(conn).red:
            for offender in result.offenders:
                yield OracleFinding(FindingKind.OTHER, f"{result.invariant}: {offender.what} {offender.how}")


def _bank_book(effects: Path) -> dict[str, int]:
    """The bank's number of each movement → đồng, from its own file."""
    path = effects / "accounts" / f"{ACCOUNT}.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    entries = [entry for entry in map(json.loads, lines) if entry["type"] == "entry"]
    return {entry["ref"]: entry["amount"] for entry in entries}


def _custody(stack: ProcessStack) -> Iterator[OracleFinding]:
    """The log agrees with itself and with every checkpoint that a witness holds."""
    held = [
        strict.read(LogCheckpoint, base64.b64decode(Witnessed.model_validate_json(line).checkpoint))
        for witness in WITNESSES
        if (path := witnessed_path(stack.effects, f"department.{witness}")).exists()
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    with psycopg.connect(stack.database_url, row_factory=dict_row) as conn:
        for finding in audit(conn, held).findings:
            yield OracleFinding(FindingKind.OTHER, f"custody {finding.code}: {finding.where}")


def _handoffs(stack: ProcessStack, handoffs: Collection[str]) -> Iterator[OracleFinding]:
    """Exported as for a stranger, and judged by the trust list alone."""
    keys = Path(stack.environment["HUB_KEYS"])
    trust = trust_list.load(keys / trust_list.FILE)
    crls = crl_store.in_folder(keys)
    with psycopg.connect(stack.database_url, row_factory=dict_row) as conn:
        for handoff in handoffs:
            verdict = judge(exporting.export(conn, handoff, crls), trust)
            if verdict.answer is not VerdictAnswer.VALID:
                reasons = ", ".join(str(finding) for finding in verdict.findings)
                yield OracleFinding(FindingKind.OTHER, f"handoff {handoff}: {verdict.answer} {reasons}")
