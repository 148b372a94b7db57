"""hub demo month: rehearse the end of last month with the commands of the runbooks, on a stack of its own.

1. The sandbox makes payments on the last days of the month, and the bank's statements of those days.
2. Two persons close the days and the month; the departments get their tables and answer.
3. Two persons transfer; each package is verified with the trust list alone.
"""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psycopg
from psycopg.rows import dict_row

from config.catalogue import Catalogue, Pay, load
from connectors.sandbox.server import addresses
from hub.cli.demo.payers import Banks
from hub.cli.demo.portal import PortalClient, SubmissionStatus
from hub.cli.demo.trials import SubmissionTrial, trials
from hub.cli.output import say
from hub.clock import VIETNAM, local, now
from hub.configuration import read_settings
from hub.db import Connection, one
from hub.embedded.stack_folder import Addresses
from hub.embedded.waiting import Patience, wait_for
from hub.errors import HubError
from hub.fees.demands import payer_notice
from hub.locale import vi
from hub.signing import trust_list

FIRST, SECOND = "ke-toan-dien-tap", "truong-phong-dien-tap"
DAYS: Final = 4
"""of the end of last month, on which people paid"""
_PAST_THE_MAGIC: Final = 30
"""submissions of the demo before the ordinary ones begin"""
_COUNT: Final = 40
"""ordinary ones, of which some owe nothing or pay the postman"""

_HANDLED: Final = """
SELECT count(*) FILTER (WHERE state = 'new') AS fresh, count(*) AS lines FROM statement_line WHERE account = %s
"""
_BUSY: Final = """
SELECT (SELECT count(*) FROM inbox WHERE state IN ('received', 'waiting'))
    + (SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending', 'retrying', 'unknown')) AS n
"""
_TABLES: Final = "SELECT id, department, state, net FROM settlement WHERE state <> 'withdrawn' ORDER BY department"
_STAMPED: Final = """
SELECT count(*) FILTER (WHERE place IS NULL OR place >= stamped) AS waiting, count(*) AS leaves, max(stamped) AS stamped
FROM custody_leaf, (SELECT coalesce(max(c.size), 0) AS stamped
                    FROM custody_checkpoint c JOIN custody_stamp s ON s.checkpoint = c.number) AS checkpoints
"""


class StepFailed(HubError):
    """A command of the rehearsal ended with another exit code than expected."""


@dataclass
class MonthRehearsal:
    """The end of one month. ``folder``: the stack's; ``since``: when the rehearsal began."""

    conn: Connection
    portal: PortalClient
    banks: Banks
    catalogue: Catalogue
    folder: Path
    since: datetime
    last: date

    @property
    def name(self) -> str:
        return f"{self.last:%Y-%m}"

    @property
    def days(self) -> list[date]:
        return [self.last - timedelta(days=back) for back in reversed(range(DAYS))]

    def payers(self) -> list[SubmissionTrial]:
        """Ordinary dossiers for which something is paid, and not to a postman."""
        ordinary = trials(self.catalogue, self.days[0], 0, _PAST_THE_MAGIC + _COUNT)[_PAST_THE_MAGIC:]
        return [trial for trial in ordinary if self._owes(trial)]

    def paid(self) -> None:
        """People paid on its last days; the bank's statements of those days come now."""
        paying = self.payers()
        say(
            vi(
                "Month {last:%m/%Y}: {count} dossiers with fees in the last {days} days of the month",
                last=self.last,
                count=len(paying),
                days=DAYS,
            )
        )
        for trial in paying:
            self.portal.submit(trial)
        codes = {trial.code for trial in paying}
        asked = self._wait(vi("the demands"), lambda: self._demanded(codes))
        for number, submission in enumerate(asked):
            self._pay(submission, self.days[number % DAYS])
        for day in self.days:
            self.banks.ask(self.banks.own, "statements", {"account": self.banks.account, "day": day.isoformat()})
        self._wait(vi("the month's statement"), lambda: self._matched(len(asked)))

    def closed(self) -> None:
        """The days and the month, each by two persons."""
        self.hub("fee", "prove", "--keep", quiet=True)
        for words in (("--day", self.last.isoformat()), ("--month", self.name)):
            for actor in (FIRST, SECOND):
                self.hub("fee", "close", *words, actor=actor, quiet=actor == FIRST)
        self.hub("fee", "table", self.name)

    def answered(self) -> None:
        """The departments are handed their tables; who pushes nothing is answered for by its file."""
        self.hub("fee", "send", self.name)
        self._wait(vi("the agencies' answers"), self._all_answered)
        self.hub("fee", "table", self.name)

    def transferred(self) -> None:
        """One person orders, another approves, the bank executes, and its statement says so."""
        self.hub("fee", "remit", self.name, "--reason", vi("rehearsal"))
        orders = json.loads(self.hub("fee", "orders", "list", "--json", quiet=True))["data"]
        for order in orders:
            self.hub(
                "fee", "orders", "approve", order["id"], "--reason", vi("agrees with the table"), "--yes", actor=SECOND
            )
        file = self.folder / "lenh-chi.csv"
        self.hub("fee", "orders", "send", *(order["id"] for order in orders), "-o", str(file))
        for order in orders:
            executed = {"reference": order["reference"], "amount": order["amount"], "words": "CHUYEN PHI LE PHI THANG"}
            self.banks.ask(self.banks.own, "orders", {**executed, "account": self.banks.account})
        self.banks.ask(self.banks.own, "statements", {"account": self.banks.account})
        self._wait(vi("the statement shows the transfers"), lambda: self._all_in("transferred", "receipted", "closed"))

    def verified(self, trust: Path) -> list[Path]:
        """The packages, each verified without the database."""
        self._wait(vi("the time stamp of the custody log"), lambda: not one(self.conn, _STAMPED, ())["waiting"])
        packages: list[Path] = []
        for table in self._owed():
            package = self.folder / f"{self.name}-{table['department']}.zip"
            self.hub("fee", "table", self.name, "--department", table["department"], "-o", str(package), quiet=True)
            verdict = self.hub("fee", "verify", str(package), "--offline", "--trust", str(trust), quiet=bool(packages))
            if packages:
                say(verdict.rstrip().rpartition("\n")[2])
            packages.append(package)
        return packages

    def hub(self, *words: str, actor: str = FIRST, quiet: bool = False) -> str:
        """Run the command as the reader would type it, and show its output unless ``quiet``, which returns it.

        Raises StepFailed.
        """
        say(f"$ HUB_ACTOR={actor} hub {shlex.join(words)}")
        done = subprocess.run(  # noqa: S603 - this program
            [sys.executable, "-m", "hub.cli", *words],
            env={**os.environ, "HUB_ACTOR": actor},
            stdout=subprocess.PIPE if quiet else None,  # a terminal of its own: tables with frames
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            why = (done.stderr.strip() or (done.stdout or "").strip()).splitlines()
            raise StepFailed(
                vi(
                    "hub {listed}: exit code {returncode}: {why}",
                    listed=shlex.join(words),
                    returncode=done.returncode,
                    why=why[-1] if why else "",
                )
            )
        if not quiet and done.stderr.strip():
            say(done.stderr.rstrip())
        return done.stdout or ""

    def _owes(self, trial: SubmissionTrial) -> bool:
        """Something is to be paid for it, and no postman has to collect it."""
        procedure = self.catalogue.procedures[trial.submission.procedure]
        charged = procedure.pay is not Pay.NONE and bool(procedure.fees_on(local(now()).date()))
        return charged and trial.submission.result.method != "post" and trial.papers is None

    def _demanded(self, codes: set[str]) -> list[SubmissionStatus]:
        """Everybody, once everybody is asked to pay; nobody before."""
        statuses = [one for one in self.portal.statuses(quote(self.since.isoformat())) if one.dossier_code in codes]
        asked = [one for one in statuses if one.fee is not None and one.fee["qr"]]
        return asked if len(asked) == len(codes) else []

    def _pay(self, submission: SubmissionStatus, day: date) -> None:
        asked = payer_notice.decode(str((submission.fee or {})["qr"]))
        form = {"amount": asked.amount, "reference": asked.purpose, "account": asked.account}
        at = datetime.combine(day, time(9, 30), VIETNAM)
        self.banks.ask(self.banks.own, "transfers", {**form, "at": at.isoformat()})

    def _matched(self, lines: int) -> bool:
        row = one(self.conn, _HANDLED, (self.banks.account,))
        return bool(row["lines"] >= lines and not row["fresh"])

    def _all_answered(self) -> bool:
        for file in sorted((self.folder / "sandbox").glob("department.*.answers/sm_*.json")):
            if self._state(file.stem) == "notified":
                self.hub("fee", "answer", str(file))
        return self._all_in("confirmed", "disputed")

    def _all_in(self, *states: str) -> bool:
        return all(table["state"] in states for table in self._owed())

    def _owed(self) -> list[Mapping[str, Any]]:
        """The tables with money for their departments."""
        return [table for table in self.conn.execute(_TABLES).fetchall() if table["net"] > 0]

    def _state(self, settlement: str) -> str:
        return next((table["state"] for table in self._owed() if table["id"] == settlement), "")

    def _wait(self, what: str, happens: Callable[[], Any]) -> Any:
        say(vi("waiting for {what} …", what=what))
        return wait_for(what, happens, moves=self._moved, pause=0.5)

    def _moved(self) -> Any:
        return (
            one(self.conn, _HANDLED, (self.banks.account,)),
            one(self.conn, _BUSY, ()),
            one(self.conn, _STAMPED, ()),
            self._owed(),
        )


def rehearse(stack: Addresses, folder: Path) -> list[Path]:
    """All of it; the verified packages. Raises StepFailed, NothingMoves, BankRefused, PortalRefused."""
    settings = read_settings()
    catalogue = load(settings.catalogue, os.environ)
    patience = Patience()
    key_id, name = next(iter(catalogue.portal.guard.keys.items()))
    portal = PortalClient(stack.api, key_id, catalogue.secret(name), patience)
    banks = Banks(catalogue, addresses(folder / "sandbox" / "addresses.json"), patience)
    last = local(now()).date().replace(day=1) - timedelta(days=1)
    with closing(psycopg.connect(str(settings.database_url), autocommit=True, row_factory=dict_row)) as conn:
        month = MonthRehearsal(conn, portal, banks, catalogue, folder, now(), last)
        month.paid()
        month.closed()
        month.answered()
        month.transferred()
        return month.verified(folder / "pki" / "keys" / trust_list.FILE)
