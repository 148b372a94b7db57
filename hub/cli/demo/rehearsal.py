"""One rehearsal: hand over, watch, hear the witnesses, report."""

import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg
from psycopg.rows import dict_row

from config.catalogue import Catalogue, load
from config.settings import Settings
from hub.cli import environment
from hub.cli.demo import course, evidence, fees, report, signed, witnesses
from hub.cli.demo.course import Course
from hub.cli.demo.display import Counts, display
from hub.cli.demo.evidence import Shown
from hub.cli.demo.fees import Accounts
from hub.cli.demo.portal import Portal
from hub.cli.demo.trials import Trial, runs_a_day, trials
from hub.clock import local, now
from hub.db import Connection
from hub.embedded.place import Addresses
from hub.errors import HubError, NotNow
from hub.signing.findings import Answer
from hub.wiring import read_settings

SENDERS: Final = 8
_LOOK_EVERY: Final = 0.5


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """How it went: what does not hold, a sentence each, and a bundle for whoever wants to see for himself."""

    wrong: list[str]
    shown: Shown | None


def rehearse(addresses: Addresses, effects: Path, *, count: int, patience: float) -> Rehearsed:
    """Hand over ``count`` submissions and prove what became of them. ``effects``: where the sandbox writes.

    The tables go to stdout. Raises NotNow, PortalTurnedAway.
    """
    settings = read_settings()
    catalogue = load(settings.catalogue, os.environ)
    portal = _portal(addresses, catalogue)
    given = _trials(portal, catalogue, count)
    since = now()
    with closing(_connect(settings)) as conn, environment.house() as hub, ThreadPoolExecutor(1) as cashier:
        day = fees.opened(hub, portal, catalogue, effects, given)
        paid = cashier.submit(fees.run, day)
        try:
            end = _watch(conn, portal, given, (effects, addresses), since, patience, paid)
        finally:
            day.stopped.set()
        shown = evidence.show(conn, [leg.id for leg in end.legs.values()], effects.parent / "demo", settings.keys)
    names = {department.code: department.name for department in catalogue.departments.values()}
    wrong = _settled(paid, names)
    report.write(end, names)
    standings = list(portal.standings(quote(since.isoformat())))
    wrong += witnesses.findings(given, standings, witnesses.hear(effects, addresses.partners))
    wrong += signed.findings(given, end, catalogue)
    if not end.over(count):
        wrong.insert(0, f"not over after {patience:.0f} s: {len(end.owed)} transfers and {end.unhandled} messages wait")
    if end.dead:
        wrong.append(f"{end.dead} messages wait for a person: hub inbox list")
    if shown is None or shown.answer is not Answer.VALID:
        wrong.append("no handoff was proved: " + (f"{shown.bundle} is {shown.answer}" if shown else "none is complete"))
    return Rehearsed(wrong, shown)


def _portal(addresses: Addresses, catalogue: Catalogue) -> Portal:
    key_id, name = next(iter(catalogue.portal.guard.keys.items()))
    return Portal(addresses.api, key_id, catalogue.secret(name))


def _trials(portal: Portal, catalogue: Catalogue, count: int) -> list[Trial]:
    """Those of the day's first run whose dossier codes the hub does not know yet. Raises NotNow."""
    day = local(now()).date()
    for run in range(runs_a_day(catalogue)):
        given = trials(catalogue, day, run, count)
        if not portal.knows(given[0].code):
            return given
    raise NotNow("today's dossier codes for the demo are used up: come back tomorrow, or begin with an empty var")


def _watch(
    conn: Connection,
    portal: Portal,
    given: list[Trial],
    departments: tuple[Path, Addresses],
    since: datetime,
    patience: float,
    paid: Future[Accounts],
) -> Course:
    """Hand over and look until everything has ended and every fee is settled. Raises PortalTurnedAway."""
    references = [trial.reference for trial in given]
    codes = {trial.code for trial in given}
    effects, addresses = departments
    deadline = time.monotonic() + patience
    with ThreadPoolExecutor(SENDERS) as senders, display(len(given)) as shown:
        sent = [senders.submit(portal.submit, trial) for trial in given]
        while True:
            now_at = course.look(conn, references, since)
            arrived = witnesses.arrived(effects, addresses.partners, codes)
            shown.show(_counts(sent, arrived, now_at))
            turned_away = any(one.done() and one.exception() for one in sent)
            failed = paid.done() and paid.exception()
            over = paid.done() and now_at.over(len(given))
            if turned_away or failed or over or time.monotonic() > deadline:
                break
            time.sleep(_LOOK_EVERY)
    for one in sent:
        one.result()
    return now_at


def _settled(paid: Future[Accounts], names: dict[str, str]) -> list[str]:
    """What does not hold of the fees; their equation goes to stdout."""
    try:
        found = paid.result(timeout=0)
    except TimeoutError:
        return ["fees: they are not settled yet"]
    except HubError as error:
        return [f"fees: {error}"]
    fees.write(found, names)
    return list(fees.findings(found))


def _counts(sent: list[Future[str]], arrived: int, stands: Course) -> Counts:
    return Counts(
        submitted=sum(one.done() and one.exception() is None for one in sent),
        delivered=arrived,
        acknowledged=sum(leg.acknowledged for leg in stands.legs.values()),
        resolved=sum(leg.resolved for leg in stands.legs.values()),
        waiting=sum(leg.owed > 0 for leg in stands.legs.values()),
        failed=stands.stuck + stands.dead,
    )


def _connect(settings: Settings) -> Connection:
    return psycopg.connect(str(settings.database_url), autocommit=True, row_factory=dict_row)
