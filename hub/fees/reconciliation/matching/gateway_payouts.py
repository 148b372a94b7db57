"""P9: one credit of a gateway or a postal operator for many payments, by its report alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Self

from pydantic import Field, StringConstraints, model_validator

from config.catalogue import Catalogue
from hub.audit import AuditAction
from hub.db import Connection, as_set
from hub.errors import InvalidState
from hub.fees import payments
from hub.fees.ledger import LedgerEntry, postings
from hub.fees.ledger.normalise import normalise
from hub.fees.reconciliation.matching import match_store, passes
from hub.fees.reconciliation.matching.effects import MatchRun, close, confirm
from hub.fees.reconciliation.matching.match_store import MatchLeg
from hub.fees.reconciliation.matching.passes import Scope
from hub.locale import vi
from hub.unit_of_work import UnitOfWork
from schemas.payment import ProviderTxn
from schemas.strict import Strict
from schemas.values import MOST, Day

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{6,80}$")]
_Amount = Annotated[int, Field(strict=True, ge=0, le=MOST)]


class PayoutItem(Strict):
    """A payment that was paid out, with what the gateway kept of it; đồng."""

    provider_txn: ProviderTxn
    amount: Annotated[_Amount, Field(ge=1)]
    charge: _Amount = 0

    @model_validator(mode="after")
    def _is_paid_out(self) -> Self:
        if self.charge > self.amount:
            raise ValueError("the charge is more than the amount: what is deducted for something else is no charge")
        return self


class PayoutReport(Strict):
    """What a gateway says that one of its payouts is made of."""

    provider: str
    report: Name
    """its name; stands in the line's text or as its number, unless the catalogue has the words of its payer's lines"""
    account: str
    day: Day
    items: Annotated[tuple[PayoutItem, ...], Field(min_length=1, max_length=100_000)]

    @model_validator(mode="after")
    def _pays_each_once(self) -> Self:
        seen: set[str] = set()
        for number, item in enumerate(self.items):
            if item.provider_txn in seen:
                raise ValueError(f"/items/{number}/provider_txn stands there twice: nothing is paid out twice")
            seen.add(item.provider_txn)
        if self.net <= 0:
            raise ValueError("the net is not above 0: nothing was paid out")
        return self

    @property
    def net(self) -> int:
        return sum(item.amount - item.charge for item in self.items)


@dataclass(frozen=True, slots=True)
class PayoutLine:
    """A line that is what a report comes to."""

    row: Mapping[str, Any]
    payments: Sequence[tuple[str, int, str | None, int]]
    """payment, its amount, the demand that it is credited to, and how much"""


_NOBODYS: Final = ["R01", "R02", "R06", "R09", "N02", "N03", "P01"]
"""exceptions about a line that was nobody's until its report came"""

_REPORTED: Final = "SELECT 1 FROM payout_report WHERE account = %s LIMIT 1"

_PAID: Final = """
SELECT provider_txn, report FROM payout_item WHERE provider = %s AND provider_txn = ANY(%s)
ORDER BY provider_txn LIMIT 1
"""


def bring(uow: UnitOfWork, report: PayoutReport) -> bool:
    """Keep a report; False if it is there already. Raises InvalidState where it says something else than before."""
    head = uow.conn.execute(
        "INSERT INTO payout_report (provider, report, account, day, net, submitted_by, submitted_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING report",
        (report.provider, report.report, report.account, report.day, report.net, uow.actor, uow.now),
    ).fetchone()
    if head is None:
        return _is_the_same(uow.conn, report)
    paid = uow.conn.execute(_PAID, (report.provider, [item.provider_txn for item in report.items])).fetchone()
    if paid is not None:
        raise InvalidState(
            vi(
                "{provider_txn} was paid out in report {report} already",
                provider_txn=paid["provider_txn"],
                report=paid["report"],
            )
        )
    rows = [(report.provider, report.report, item.provider_txn, item.amount, item.charge) for item in report.items]
    with uow.conn.cursor() as cursor:
        cursor.executemany("INSERT INTO payout_item VALUES (%s, %s, %s, %s, %s)", rows)
    uow.write_audit(
        f"payout {report.provider} {report.report}",
        AuditAction.PAYOUT_REPORT_IMPORTED,
        reason=f"{len(rows)} payments, {report.net} VND",
    )
    return True


def _is_the_same(conn: Connection, report: PayoutReport) -> bool:
    rows = conn.execute(
        "SELECT provider_txn, amount, charge FROM payout_item WHERE provider = %s AND report = %s",
        (report.provider, report.report),
    )
    known = {(row["provider_txn"], row["amount"], row["charge"]) for row in rows}
    if known != {(item.provider_txn, item.amount, item.charge) for item in report.items}:
        raise InvalidState(
            vi("report {report} was loaded before with other content: ask the collector", report=report.report)
        )
    return False


def join(uow: UnitOfWork, scope: Scope) -> tuple[list[PayoutLine], dict[int, dict[str, Any]]]:
    """The lines that are a report's; and those that should be and are not, with the numbers."""
    fitting: list[PayoutLine] = []
    differences: dict[int, dict[str, Any]] = {}
    if uow.conn.execute(_REPORTED, (scope.account,)).fetchone() is None:
        return fitting, differences
    for row in passes.rows(uow.conn, "p9_payouts", scope, payers=as_set(payers(uow.catalogue))):
        if row["alone"] and not row["unknown"] and row["gross"] - row["charge"] == row["amount"]:
            fitting.append(PayoutLine(row, [tuple(one) for one in row["payments"]]))
            _write(uow.conn, scope, fitting[-1])
        else:
            differences[row["line_id"]] = {
                name: row[name] for name in ("provider", "report", "gross", "charge", "unknown", "alone")
            }
    return fitting, differences


def payers(catalogue: Catalogue) -> list[dict[str, str]]:
    """Who pays out under words that are known, and those words as they are looked for in a line."""
    words_by_provider = [(bank.code, bank.payout_words) for bank in catalogue.banks.values()]
    words_by_provider += [(operator.counterparty, operator.payout_words) for operator in catalogue.operators.values()]
    return [{"provider": code, "words": normalise(words).squeezed} for code, words in words_by_provider if words]


def _write(conn: Connection, scope: Scope, payout: PayoutLine) -> None:
    row = payout.row
    if row["found"]:
        match_store.end(conn, row["found_group"], "superseded", f"the report {row['report']}")
    legs = [
        MatchLeg(payment=payment, demand=demand, amount=allocated if demand else 0)
        for payment, _, demand, allocated in payout.payments
    ]
    evidence = {name: row[name] for name in ("how", "provider", "report", "gross", "charge")}
    match_store.add(conn, scope.run, "P9", "A", [MatchLeg(line=row["line_id"]), *legs], evidence)


def settle(match_run: MatchRun, payouts: Sequence[PayoutLine]) -> None:
    """What follows: every payment is confirmed, the net is on the account, the charges are ours."""
    for payout in payouts:
        amounts = [(payment, amount) for payment, amount, _, _ in payout.payments]
        match_run.entries.append(_entry(match_run, payout, amounts))
        match_run.states[payout.row["line_id"]] = "matched"
        match_run.counters["P9"] += 1
        for payment, _ in amounts:
            confirm(match_run, payment)
            close(match_run, payment, ["N01"], "P9")


def _entry(match_run: MatchRun, payout: PayoutLine, amounts: Sequence[tuple[str, int]]) -> LedgerEntry:
    """The money comes; or it came before its report, and what was made up for its line is no payment of its own."""
    row = payout.row
    if not row["found"]:
        return postings.gateway_net(match_run.origin(row), amounts, row["charge"])
    payments.end(match_run.uow.conn, row["found"], "voided")
    match_run.uow.write_audit(
        row["found"],
        AuditAction.PAYMENT_VOIDED,
        before="found_on_statement",
        after="voided",
        reason=f"line {row['line_id']}",
    )
    close(match_run, row["found"], _NOBODYS, "P9")
    return postings.found_notified(match_run.origin(row), row["found"], amounts, row["charge"])
