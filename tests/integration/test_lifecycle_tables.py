"""The eight lifecycles: complete, reachable, checked for every pair of statuses, and known to the database alike."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import psycopg
import pytest

from hub.consignments import model as consignments
from hub.dossiers import store as dossiers
from hub.errors import MoveRefused
from hub.fees.demands import model as demands
from hub.fees.payouts import chargebacks, orders
from hub.fees.reconciliation.statements import model as statements
from hub.fees.settlements import store as settlements
from hub.handoffs import store as handoffs
from hub.lifecycle import Lifecycle


@dataclass(frozen=True)
class LifecycleCase:
    """A lifecycle, where its rows begin, and the table that keeps the status."""

    name: str
    lifecycle: Lifecycle[Any]
    statuses: type[StrEnum]
    first: frozenset[StrEnum]
    column: tuple[str, str]


CASES: Final = (
    LifecycleCase(
        "dossier",
        dossiers.LIFECYCLE,
        dossiers.DossierStatus,
        frozenset({dossiers.DossierStatus.REGISTERED}),
        ("dossier", "status"),
    ),
    LifecycleCase(
        "handoff",
        handoffs.LIFECYCLE,
        handoffs.HandoffStatus,
        frozenset({handoffs.HandoffStatus.UNSIGNED}),
        ("handoff", "status"),
    ),
    LifecycleCase(
        "consignment",
        consignments.LIFECYCLE,
        consignments.ConsignmentStatus,
        frozenset({consignments.ConsignmentStatus.ORDERED}),
        ("consignment", "status"),
    ),
    LifecycleCase(
        "demand",
        demands.LIFECYCLE,
        demands.DemandStatusCode,
        frozenset({demands.DemandStatusCode.ISSUED}),
        ("fee_demand", "status"),
    ),
    LifecycleCase(
        "statement file",
        statements.LIFECYCLE,
        statements.FileStatus,
        frozenset({statements.FileStatus.BALANCED, statements.FileStatus.QUARANTINED}),
        ("statement_file", "state"),
    ),
    LifecycleCase(
        "payment order",
        orders.LIFECYCLE,
        orders.OrderState,
        frozenset({orders.OrderState.REQUESTED}),
        ("payment_order", "state"),
    ),
    LifecycleCase(
        "chargeback",
        chargebacks.LIFECYCLE,
        chargebacks.ChargebackState,
        frozenset({chargebacks.ChargebackState.NOTICED}),
        ("chargeback", "state"),
    ),
    LifecycleCase(
        "settlement",
        settlements.LIFECYCLE,
        settlements.SettlementState,
        frozenset({settlements.SettlementState.COMPUTED}),
        ("settlement", "state"),
    ),
)

UNLISTED: Final = {"dossier", "fee_demand"}
"""tables without a CHECK of their statuses: they come from the lifecycle's own code only"""

each_lifecycle: Final = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def reachable(case: LifecycleCase) -> Iterator[StrEnum]:
    seen, ahead = set(case.first), list(case.first)
    while ahead:
        status = ahead.pop()
        yield status
        following = case.lifecycle.moves[status] - seen
        seen |= following
        ahead.extend(following)


@each_lifecycle
def test_every_status_has_a_row_in_the_table_and_follows_from_the_first(case: LifecycleCase) -> None:
    assert set(case.lifecycle.moves) == set(case.statuses)
    assert set(reachable(case)) == set(case.statuses)


@each_lifecycle
def test_no_status_is_followed_by_itself(case: LifecycleCase) -> None:
    assert [status for status, following in case.lifecycle.moves.items() if status in following] == []


@each_lifecycle
def test_every_transition_is_taken_and_every_other_is_refused(case: LifecycleCase) -> None:
    for before in case.statuses:
        for after in case.statuses:
            if after in case.lifecycle.moves[before]:
                case.lifecycle.check(before, after)
            else:
                with pytest.raises(MoveRefused):
                    case.lifecycle.check(before, after)


@each_lifecycle
def test_the_database_knows_no_other_status(case: LifecycleCase, server: str) -> None:
    """Where a CHECK lists the statuses: a status that the code has no longer would be kept by nobody."""
    table, column = case.column
    with psycopg.connect(server) as conn:
        rows = conn.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'",
            [table],
        ).fetchall()
    pattern = re.compile(rf"CHECK \(\({column} = ANY \(ARRAY\[(.+)\]\)\)\)")
    lists = [match for match in (pattern.fullmatch(text) for (text,) in rows) if match]
    assert bool(lists) is (table not in UNLISTED)
    for listed in lists:
        assert set(re.findall(r"'(\w+)'", listed[1])) == set(case.statuses)
