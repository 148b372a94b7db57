"""The independent check: what callers were told, what the hub's tables say, and what the partners' own files say."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from tests.stack import ProcessStack


def findings(running: ProcessStack, accepted: Mapping[str, tuple[str, str]]) -> list[str]:
    """Everything that is wrong. ``told``: submission id of every 202 → (dossier code, department)."""
    return [
        *_lost_or_doubled(running, accepted),
        *_not_ended(running),
        *_notices(running),
        *_untraced(running, accepted),
        *_answered_twice(running),
    ]


def _lost_or_doubled(running: ProcessStack, accepted: Mapping[str, tuple[str, str]]) -> list[str]:
    wrong = []
    for department in {department for _, department in accepted.values()}:
        effects = Counter(effect.dossier_code for effect in running.submitted(department))
        due = Counter(code for code, whose in accepted.values() if whose == department)
        wrong += [f"{code}: {effects[code]} effects at {department}" for code in due if effects[code] != 1]
        wrong += [f"{code}: at {department}, and nobody was told 202" for code in effects.keys() - due.keys()]
    return wrong


def _not_ended(running: ProcessStack) -> list[str]:
    rows = running.rows("SELECT id, counterparty, state, error_code FROM outbox WHERE state <> 'delivered'")
    rows += running.rows("SELECT id, source AS counterparty, state, error_code FROM inbox WHERE state <> 'handled'")
    return [f"{row['id']} ({row['counterparty']}): {row['state']} {row['error_code'] or ''}" for row in rows]


def _notices(running: ProcessStack) -> list[str]:
    """Each event once at the portal, the versions of one submission in order."""
    noticed = running.noticed()
    counted = Counter(notice.event_id for notice in noticed)
    events = {row["id"] for row in running.rows("SELECT id FROM event")}
    wrong = [f"{event}: {counted[event]} notices" for event in events | counted.keys() if counted[event] != 1]
    versions_of: defaultdict[str, list[int]] = defaultdict(list)
    for notice in noticed:
        versions_of[notice.submission_id].append(notice.version)
    for submission, versions in versions_of.items():
        if versions != list(range(1, len(versions) + 1)):
            wrong.append(f"{submission}: versions {versions}")
    return wrong


def _untraced(running: ProcessStack, accepted: Mapping[str, tuple[str, str]]) -> list[str]:
    rows = running.rows("SELECT subject FROM audit_log WHERE action = 'message_received'")
    received = Counter(row["subject"] for row in rows)
    return [
        f"{submission}: audited {received[submission]} times" for submission in accepted if received[submission] != 1
    ]


def _answered_twice(running: ProcessStack) -> list[str]:
    """A worker that outslept its lease must not write down its answer over its successor's."""
    rows = running.rows("SELECT subject FROM audit_log WHERE action = 'handoff_answered'")
    answered = Counter(row["subject"] for row in rows)
    return [
        f"{handoff}: in the audit log as answered {times} times" for handoff, times in answered.items() if times != 1
    ]
