"""Verification of the demo: the counterparties' own records against the hub's public API.

Each counterparty of the sandbox syncs its own file before it answers, and lists on its control API what it holds, so
that a submission that was lost or delivered twice shows there.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from connectors.sandbox.effects import Noticed, Ordered, Submitted, read_effects
from hub.cli.demo.portal import SubmissionStatus
from hub.cli.demo.trials import SubmissionTrial
from schemas.identifiers import DossierCode


@dataclass(frozen=True, slots=True)
class SandboxRecords:
    """Records of the counterparties, by the dossier's normalised code."""

    taken: Mapping[str, list[Submitted]]
    """every time that a department took the dossier"""
    noticed: Mapping[str, list[Noticed]]
    """every notice that the portal took"""
    ordered: Mapping[str, list[Ordered]]
    """every time that a postal operator took an order"""
    held: Mapping[str, str]
    """department that says, on its control API, that it holds the dossier"""


def read_records(folder: Path, partners: Mapping[str, str]) -> SandboxRecords:
    """Read every counterparty's effect file in ``folder`` and ask every department's control API."""
    taken: dict[str, list[Submitted]] = defaultdict(list)
    noticed: dict[str, list[Noticed]] = defaultdict(list)
    ordered: dict[str, list[Ordered]] = defaultdict(list)
    held: dict[str, str] = {}
    for counterparty, url in partners.items():
        for effect in read_effects(folder, counterparty):
            match effect:
                case Submitted():
                    taken[_normalised(effect.dossier_code)].append(effect)
                case Noticed():
                    noticed[_normalised(effect.dossier_code)].append(effect)
                case Ordered():
                    ordered[_dossier_of(effect.order_number)].append(effect)
        if counterparty.startswith("department."):
            for row in _control(url, "dossiers"):
                held[_normalised(row["dossier_code"])] = counterparty
    return SandboxRecords(taken, noticed, ordered, held)


def findings(
    trials: Iterable[SubmissionTrial], statuses: Sequence[SubmissionStatus], heard: SandboxRecords
) -> list[str]:
    """Return what is wrong, a sentence each; none if each submission arrived exactly once and each status came back."""
    by_code = {_normalised(standing.dossier_code): standing for standing in statuses}
    return [
        f"{trial.code} ({trial.behaviour.name}): {finding}"
        for trial in trials
        for finding in _of_one(trial, by_code.get(trial.code), heard)
    ]


def _of_one(trial: SubmissionTrial, standing: SubmissionStatus | None, heard: SandboxRecords) -> Iterator[str]:
    if standing is None:
        yield "the hub's API does not know it"
        return
    yield from _arrived_once(trial, heard)
    if standing.status != trial.behaviour.dossier:
        yield f"ends as {standing.status}, should be {trial.behaviour.dossier}"
    orders = len(heard.ordered.get(trial.code, []))
    should = (trial.parcel is not None) + (trial.papers is not None)
    if orders != should:
        yield f"ordered from the post {orders} times, should be {should}"
    yield from _came_back(standing, heard.noticed.get(trial.code, []))


def _arrived_once(trial: SubmissionTrial, heard: SandboxRecords) -> Iterator[str]:
    """Check that it arrived once at its own department and nowhere else; a refused one nowhere."""
    should = [] if trial.behaviour.transfer == "refused" else [f"department.{trial.department}"]
    took = [effect.counterparty for effect in heard.taken.get(trial.code, [])]
    if took != should:
        yield f"taken by {took or 'nobody'}, should be {should or 'nobody'}"
    holds = heard.held.get(trial.code)
    if [holds] * bool(holds) != should:
        yield f"held by {holds or 'nobody'}, should be {should or 'nobody'}"


def _came_back(standing: SubmissionStatus, notices: Sequence[Noticed]) -> Iterator[str]:
    """Check that the portal got each version once, and that the newest has the current status."""
    versions = sorted(notice.version for notice in notices)
    if versions != list(range(1, standing.version + 1)):
        yield f"the portal heard versions {versions} of {standing.version}"
    elif max(notices, key=lambda notice: notice.version).status != standing.status:
        yield f"the portal's last notice is not {standing.status}"


def arrived(folder: Path, partners: Iterable[str], codes: set[str]) -> int:
    """Count those of ``codes`` that a department has recorded."""
    taken = {
        _normalised(effect.dossier_code)
        for counterparty in partners
        if counterparty.startswith("department.")
        for effect in read_effects(folder, counterparty)
        if isinstance(effect, Submitted)
    }
    return len(taken & codes)


def _control(url: str, listing: str) -> list[dict[str, Any]]:
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=10)
    try:
        connection.request("GET", f"/_sandbox/{listing}")
        rows: list[dict[str, Any]] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return rows


def _dossier_of(order_number: str) -> str:
    """A dossier's second consignment has a number behind the code."""
    agency, day, serial, *_ = order_number.split("-")
    return _normalised(f"{agency}-{day}-{serial}")


def _normalised(code: str) -> str:
    return DossierCode.received(code).normalised
