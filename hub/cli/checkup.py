"""Checks of ``hub doctor``: each yields its findings as lines, and never stops the others."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import psycopg
from cryptography import x509
from kombu import Connection as BrokerConnection
from kombu.exceptions import OperationalError
from psycopg.rows import dict_row
from psycopg_pool import PoolTimeout

from config.calendar import CalendarConfig
from config.catalogue import Catalogue, CatalogueError, load
from config.settings import Settings
from hub import standstill
from hub.app import Hub
from hub.calendar import years_by_law
from hub.cli import environment, key_checks
from hub.clock import local, now
from hub.configuration import check_clerks, read_settings
from hub.db import Connection
from hub.errors import NotConfigured
from hub.migrations import run
from hub.signing import custody


def custody_findings(settings: Settings) -> Iterator[str]:
    """Yield what is wrong with the custody log: nothing time-stamped lately, checkpoints refused by a witness."""
    with psycopg.connect(str(settings.database_url), connect_timeout=5, row_factory=dict_row, autocommit=True) as conn:
        since = custody.anchored_since(conn)
        if since is not None and now() - since > custody.ANCHORED_WITHIN:
            yield f"nothing signed since {local(since):%d/%m %H:%M} has a time stamp (hub transfer list)"
        refused = conn.execute(
            "SELECT counterparty, count(*) AS n FROM custody_witness WHERE refusal IS NOT NULL GROUP BY 1"
        ).fetchall()
        for row in refused:
            yield f"{row['counterparty']} refused {row['n']} checkpoints: hub custody audit"


EXPIRY_NOTICE: Final = timedelta(days=30)
SKEW: Final = timedelta(seconds=2)
"""allowed between this machine's clock and the database's"""
SWAPS_KNOWN_FROM_MONTH: Final = 12
"""the month by which next year's swapped days are usually decided; reported from then on"""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Result of one check."""

    check: str
    ok: bool
    finding: str
    warns: bool = False
    """passes now, and will fail unless somebody acts"""


def run_checks() -> list[CheckResult]:
    """Run every check, in the order in which one would fix things."""
    try:
        settings = read_settings()
        catalogue = load(settings.catalogue, os.environ)
    except (CatalogueError, NotConfigured) as error:
        return [CheckResult("config", ok=False, finding=str(error))]
    summary = f"{len(catalogue.departments)} departments, {len(catalogue.procedures)} procedures"
    checks: dict[str, Callable[[], Iterator[str]]] = {
        "database": lambda: _database(settings),
        "migrations": lambda: _migrations(settings),
        "broker": lambda: _broker(settings),
        "certificates": lambda: _certificates(catalogue),
        "keys": lambda: _keys(settings, catalogue),
        "custody": lambda: custody_findings(settings),
        "clock": lambda: _clock(settings),
        "calendar": lambda: calendar_faults(catalogue.calendar, local(now()).date()),
        "ticks": lambda: _query(settings, standstill.ticks),
        "workers": lambda: _query(settings, standstill.workers),
        "inbox": lambda: _query(settings, lambda conn: standstill.inbox(conn, settings)),
        "backlog": lambda: _query(settings, lambda conn: standstill.backlog(conn, catalogue.limits.backlog)),
        "counterparties": lambda: _query(settings, lambda conn: _counterparties(conn, catalogue, settings)),
    }
    results = [CheckResult("config", ok=True, finding=summary), _clerks(settings, catalogue)]
    return [
        *results,
        *(_run_check(name, check) for name, check in checks.items()),
        _disk(settings),
        *_upcoming(catalogue.calendar),
    ]


def _clerks(settings: Settings, catalogue: Catalogue) -> CheckResult:
    """Check the clerks' rights. That everybody may decide passes in development, and is reported."""
    try:
        check_clerks(settings, catalogue)
    except CatalogueError as error:
        return CheckResult("clerks", ok=False, finding=str(error))
    if catalogue.fee_settings is None:
        return CheckResult("clerks", ok=True, finding="nothing is collected")
    if not catalogue.fee_settings.clerks:
        return CheckResult("clerks", ok=True, finding="none: everybody proposes and agrees (development only)")
    return CheckResult("clerks", ok=True, finding=f"{len(catalogue.fee_settings.clerks)} decide about money")


def _run_check(name: str, check: Callable[[], Iterator[str]]) -> CheckResult:
    """Run one check, which yields what is wrong; an error of database or broker is a finding too."""
    try:
        wrong = list(check())
    except (psycopg.Error, PoolTimeout, OSError, OperationalError, NotConfigured) as error:
        wrong = [" ".join(str(error).split())]
    return CheckResult(name, ok=not wrong, finding="; ".join(wrong) or "ok")


def _database(settings: Settings) -> Iterator[str]:
    with psycopg.connect(str(settings.database_url), connect_timeout=5) as conn:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            row = conn.execute("SELECT current_setting(%s)", (name,)).fetchone()
            if row is None or row[0] == "off":
                yield f"{name} is off: what was accepted may be lost in a power cut"


def _migrations(settings: Settings) -> Iterator[str]:
    current, newest = run.current(str(settings.database_url)), run.head()
    if current != newest:
        yield f"at step {current}, newest is {newest}: hub db upgrade"


def _broker(settings: Settings) -> Iterator[str]:
    with BrokerConnection(str(settings.broker_url), connect_timeout=5) as connection:
        connection.ensure_connection(max_retries=1, timeout=5)
    yield from ()


def _certificates(catalogue: Catalogue) -> Iterator[str]:
    for name, pem in _pems(catalogue).items():
        for certificate in x509.load_pem_x509_certificates(pem):
            time_left = certificate.not_valid_after_utc - now()
            if time_left < EXPIRY_NOTICE:
                yield f"{name} ends on {local(certificate.not_valid_after_utc):%d/%m/%Y} ({time_left.days} days)"
            if certificate.not_valid_before_utc > now():
                yield f"{name} is not valid before {local(certificate.not_valid_before_utc):%d/%m/%Y}"


def _pems(catalogue: Catalogue) -> Mapping[str, bytes]:
    secrets = {name: secret.get_secret_value().encode() for name, secret in catalogue.secrets.items()}
    files: list[Path] = [
        catalogue.folder / file
        for department in catalogue.departments.values()
        for file in (department.tls.ca, department.tls.client_certificate)
        if file
    ]
    candidates = {**secrets, **{str(file): file.read_bytes() for file in files}}
    return {name: pem for name, pem in candidates.items() if b"-----BEGIN CERTIFICATE-----" in pem}


def _keys(settings: Settings, catalogue: Catalogue) -> Iterator[str]:
    with Hub(settings, catalogue) as hub:
        for one in key_checks.check_keys(hub.signer, hub.keyring, catalogue, now()):
            if not one.ok:
                yield f"{one.key} {one.finding}"
        if wrong := key_checks.trust_list_finding(catalogue, hub.keyring, hub.signer.trust(), now()):
            yield wrong


def _clock(settings: Settings) -> Iterator[str]:
    with psycopg.connect(str(settings.database_url), connect_timeout=5) as conn:
        row = conn.execute("SELECT clock_timestamp(), (SELECT max(received_at) FROM inbox)").fetchone()
    if row is None:
        return
    database_time, newest = row
    if abs(database_time - now()) > SKEW:
        yield f"this machine's clock and the database's differ by {abs(database_time - now()).total_seconds():.0f} s"
    if newest is not None and newest - database_time > SKEW:
        yield f"the newest message is from {local(newest):%d/%m/%Y %H:%M}, in the future: the clock was set back"


def calendar_faults(calendar: CalendarConfig, today: date) -> Iterator[str]:
    """Yield what calendar and list of public holidays lack for this year and the next."""
    for year in (today.year, today.year + 1):
        if year not in years_by_law():
            yield f"the list of public holidays has no {year}: update the hub"
    if today.year not in calendar.years:
        yield f"calendar.toml says nothing about {today.year}: enter the year's decisions, or confirm with a day off"


def _upcoming(calendar: CalendarConfig) -> list[CheckResult]:
    soon = not_announced(calendar, local(now()).date())
    return [CheckResult("swapped days", ok=True, finding=soon, warns=True)] if soon else []


def not_announced(calendar: CalendarConfig, today: date) -> str:
    """Return which year's swapped days have to be entered soon, from 1 December on; empty if none.

    Until they are entered, the list of the law counts.
    """
    for year in (today.year, today.year + 1):
        is_near = year == today.year or today.month >= SWAPS_KNOWN_FROM_MONTH
        if is_near and (year in calendar.not_announced or (year not in calendar.years and year > today.year)):
            return f"those of {year} are not in calendar.toml: enter them once they are announced"
    return ""


def _query(settings: Settings, question: Callable[[Connection], Iterator[str]]) -> Iterator[str]:
    with psycopg.connect(str(settings.database_url), connect_timeout=5, row_factory=dict_row, autocommit=True) as conn:
        yield from question(conn)


def _disk(settings: Settings) -> CheckResult:
    """Check the disks. A disk that could not be examined is reported, not passed over."""
    not_seen: list[str] = []

    def look(conn: Connection) -> Iterator[str]:
        not_seen.append(standstill.unseen_disk(conn))
        yield from standstill.disk(conn, environment.place().folder)

    result = _run_check("disk", lambda: _query(settings, look))
    return replace(result, finding=f"{result.finding}; {not_seen[0]}") if any(not_seen) else result


def _counterparties(conn: Connection, catalogue: Catalogue, settings: Settings) -> Iterator[str]:
    for row in standstill.counterparties(conn, catalogue, settings):
        if row["finding"]:
            yield f"{row['code']}: {row['finding']}"
