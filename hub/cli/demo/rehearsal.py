"""One run of the demo: submit, watch the progress, compare with the counterparties' records, report."""

import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psycopg
from psycopg.rows import dict_row

from config.catalogue import Catalogue, load
from config.settings import Settings
from hub.cli import environment
from hub.cli.demo import course, reckoning, report, witnesses
from hub.cli.demo.bank_day import BankDay
from hub.cli.demo.course import Course, DemoFinding
from hub.cli.demo.portal import PortalClient
from hub.cli.demo.reckoning import Accounts
from hub.cli.demo.report import Counts, EvidenceBundle, display
from hub.cli.demo.trials import SubmissionTrial, runs_a_day, trials
from hub.clock import local, now
from hub.configuration import read_settings
from hub.db import Connection
from hub.embedded.stack_folder import Addresses
from hub.embedded.waiting import NothingMoves, Patience
from hub.errors import HubError, InvalidState
from hub.locale import vi
from hub.signing.verdicts import VerdictAnswer

SENDERS: Final = 8
_POLL_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class RehearsalResult:
    """Result of a run: what is wrong, the most important first, and an exported bundle as evidence."""

    wrong: list[DemoFinding]
    shown: EvidenceBundle | None


def rehearse(addresses: Addresses, effects: Path, *, count: int, still: float) -> RehearsalResult:
    """Submit ``count`` submissions and verify their results. ``effects``: the sandbox's folder.

    Ends when all have ended, or after ``still`` seconds without progress. The tables go to stdout.
    Raises InvalidState, PortalRefused.
    """
    settings = read_settings()
    catalogue = load(settings.catalogue, os.environ)
    patience = Patience(still)
    portal = _portal(addresses, catalogue, patience)
    submissions = _trials(portal, catalogue, count)
    names = {department.code: department.name for department in catalogue.departments.values()}
    since = now()
    with closing(_connect(settings)) as conn, environment.hub() as hub, ThreadPoolExecutor(1) as cashier:
        day = reckoning.opened(hub, portal, effects, submissions, patience)
        paid = cashier.submit(reckoning.run, day)
        try:
            end = _watch(conn, submissions, (effects, addresses), day, paid)
        finally:
            day.stopped.set()
        report.write(end, names)
        if not end.over(count):
            return RehearsalResult([_given_up(paid, course.unfinished(end, count, still, day.waits))], None)
        wrong = _settled(paid, names)
        shown = _evidence(conn, end, effects, settings, wrong)
    statuses = list(portal.statuses(quote(since.isoformat())))
    problems = witnesses.findings(submissions, statuses, witnesses.read_records(effects, addresses.partners))
    problems += course.findings(submissions, end, catalogue)
    if problems:
        wrong.insert(0, course.unproved(problems, count))
    if end.dead:
        wrong.append(course.waiting_for_a_person(end.dead))
    return RehearsalResult(wrong, shown)


def _portal(addresses: Addresses, catalogue: Catalogue, patience: Patience) -> PortalClient:
    key_id, name = next(iter(catalogue.portal.guard.keys.items()))
    return PortalClient(addresses.api, key_id, catalogue.secret(name), patience)


def _trials(portal: PortalClient, catalogue: Catalogue, count: int) -> list[SubmissionTrial]:
    """Those of the day's first run whose dossier codes the hub does not know yet. Raises InvalidState."""
    day = local(now()).date()
    for run in range(runs_a_day(catalogue)):
        batch = trials(catalogue, day, run, count)
        if not portal.knows(batch[0].code):
            return batch
    raise InvalidState("today's dossier codes for the demo are used up: come back tomorrow, or begin with an empty var")


def _watch(
    conn: Connection,
    submissions: list[SubmissionTrial],
    departments: tuple[Path, Addresses],
    day: BankDay,
    paid: Future[Accounts],
) -> Course:
    """Submit, and poll until everything has ended and every fee is settled, or nothing progresses any more.

    Raises PortalRefused.
    """
    references = [trial.reference for trial in submissions]
    codes = {trial.code for trial in submissions}
    effects, addresses = departments
    with ThreadPoolExecutor(SENDERS) as senders, display(len(submissions)) as shown:
        sent = [senders.submit(day.portal.submit, trial) for trial in submissions]
        while True:
            now_at = course.look(conn, references, day.since)
            arrived = witnesses.arrived(effects, addresses.partners, codes)
            counts = _counts(sent, arrived, now_at)
            shown.show(counts, day.waits)
            day.patience.observe((counts, now_at.moved, paid.done()))
            failed = _failed(paid) or any(_failed(one) for one in sent)
            if now_at.over(len(submissions)):
                day.quiet.set()
            if failed or (paid.done() and now_at.over(len(submissions))) or day.patience.over:
                break
            time.sleep(_POLL_SECONDS)
    for one in sent:
        one.result()
    return now_at


def _failed(done: Future[Any]) -> bool:
    return done.done() and done.exception() is not None


def _given_up(paid: Future[Accounts], unfinished: DemoFinding) -> DemoFinding:
    """Return why the run was given up: an error of a bank, or no progress."""
    error = paid.exception()
    if error is None or isinstance(error, InvalidState):
        return unfinished
    if not isinstance(error, HubError):
        raise error
    return course.unsettled([str(error)])


def _settled(paid: Future[Accounts], names: dict[str, str]) -> list[DemoFinding]:
    """Return what is wrong with the fees, and print their reconciliation."""
    try:
        accounts = paid.result()
    except HubError as error:
        return [course.unsettled([str(error)])]
    reckoning.write_accounts(accounts, names)
    wrong = list(reckoning.findings(accounts))
    return [course.unsettled(wrong)] if wrong else []


def _evidence(
    conn: Connection, end: Course, effects: Path, settings: Settings, wrong: list[DemoFinding]
) -> EvidenceBundle | None:
    """Export and verify a handoff; if that fails, add the reason to ``wrong``."""
    try:
        shown = report.show(conn, [leg.id for leg in end.legs.values()], effects.parent / "demo", settings.keys)
    except NothingMoves as error:
        wrong.append(course.without_evidence(str(error)))
        return None
    if shown is None or shown.answer is not VerdictAnswer.VALID:
        why = f"{shown.bundle}: {shown.answer}" if shown else vi("no handoff is complete yet")
        wrong.append(course.without_evidence(why))
    return shown


def _counts(sent: list[Future[str]], arrived: int, progress: Course) -> Counts:
    return Counts(
        submitted=sum(one.done() and one.exception() is None for one in sent),
        delivered=arrived,
        acknowledged=sum(leg.acknowledged for leg in progress.legs.values()),
        resolved=sum(leg.resolved for leg in progress.legs.values()),
        waiting=sum(leg.owed > 0 for leg in progress.legs.values()),
        failed=progress.stuck + progress.dead,
    )


def _connect(settings: Settings) -> Connection:
    return psycopg.connect(str(settings.database_url), autocommit=True, row_factory=dict_row)
