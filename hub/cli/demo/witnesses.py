"""The proof: what the counterparties wrote down themselves, against what the hub's public API says.

The hub is not asked about itself alone. Each counterparty of the sandbox syncs its own file before it answers, and
tells on its control API what it holds; a submission that was doubled or lost on the way shows there.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from connectors.sandbox.effects import Noticed, Submitted, read_effects
from hub.cli.demo.portal import Standing
from hub.cli.demo.trials import Trial
from schemas.identifiers import DossierCode

SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Testimony:
    """What the counterparties hold, by the dossier's normalised code."""

    taken: Mapping[str, list[Submitted]]
    """every time that a department took the dossier"""
    noticed: Mapping[str, list[Noticed]]
    """every notice that the portal took"""
    held: Mapping[str, str]
    """department that says, on its control API, that it holds the dossier"""


def hear(folder: Path, partners: Mapping[str, str]) -> Testimony:
    """Read every counterparty's effect file in ``folder`` and ask every department's control API."""
    taken: dict[str, list[Submitted]] = defaultdict(list)
    noticed: dict[str, list[Noticed]] = defaultdict(list)
    held: dict[str, str] = {}
    for counterparty, url in partners.items():
        for effect in read_effects(folder, counterparty):
            code = _normalised(effect.dossier_code)
            if isinstance(effect, Submitted):
                taken[code].append(effect)
            else:
                noticed[code].append(effect)
        if counterparty.startswith("department."):
            for row in _control(url, "dossiers"):
                held[_normalised(row["dossier_code"])] = counterparty
    return Testimony(taken, noticed, held)


def findings(trials: Iterable[Trial], standings: Sequence[Standing], testimony: Testimony) -> list[str]:
    """What does not hold, a sentence each; none: every submission arrived exactly once, every status came back."""
    by_code = {_normalised(standing.dossier_code): standing for standing in standings}
    return [
        f"{trial.code} ({trial.fate.name}): {finding}"
        for trial in trials
        for finding in _of_one(trial, by_code.get(trial.code), testimony)
    ]


def _of_one(trial: Trial, standing: Standing | None, testimony: Testimony) -> Iterator[str]:
    if standing is None:
        yield "the hub's API does not know it"
        return
    yield from _arrived_once(trial, testimony)
    if standing.status != trial.fate.dossier:
        yield f"ends as {standing.status}, should be {trial.fate.dossier}"
    yield from _came_back(standing, testimony.noticed.get(trial.code, []))


def _arrived_once(trial: Trial, testimony: Testimony) -> Iterator[str]:
    """At its own department once and nowhere else; a refused one nowhere at all."""
    should = [] if trial.fate.transfer == "refused" else [f"department.{trial.department}"]
    took = [effect.counterparty for effect in testimony.taken.get(trial.code, [])]
    if took != should:
        yield f"taken by {took or 'nobody'}, should be {should or 'nobody'}"
    holds = testimony.held.get(trial.code)
    if [holds] * bool(holds) != should:
        yield f"held by {holds or 'nobody'}, should be {should or 'nobody'}"


def _came_back(standing: Standing, notices: Sequence[Noticed]) -> Iterator[str]:
    """Each version of the submission was noticed once, and the newest says where it stands."""
    heard = Counter(notice.version for notice in notices)
    missing = [version for version in range(1, standing.version + 1) if heard[version] != 1]
    if missing or len(heard) != standing.version:
        yield f"the portal heard versions {sorted(heard.elements())} of {standing.version}"
    elif max(notices, key=lambda notice: notice.version).status != standing.status:
        yield f"the portal's last notice is not {standing.status}"


def arrived(folder: Path, partners: Iterable[str], codes: set[str]) -> int:
    """How many of ``codes`` some department has written down."""
    taken = {
        _normalised(effect.dossier_code)
        for counterparty in partners
        if counterparty.startswith("department.")
        for effect in read_effects(folder, counterparty)
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


def _normalised(code: str) -> str:
    return DossierCode.received(code).normalised
