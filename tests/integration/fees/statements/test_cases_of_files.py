"""S01 to S07: each is a case of its file, with nothing posted, until two persons drop the file, or accept a break."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from hub.fees.reconciliation.statements.model import FileStatus
from tests.bank_files import StatementDraft, StatementMovement, ago, camt
from tests.integration.fees.statements.conftest import StatementImports

FIRST = StatementDraft(
    [StatementMovement(50_000, "A"), StatementMovement(-700, "B")], opening=1_000, day=ago(5), sequence=1
)
SECOND = FIRST.next(StatementMovement(3_000, "C"))
FAULTS: dict[str, Callable[[], bytes]] = {
    "S01": lambda: camt(replace(SECOND, closing=SECOND.end + 1)),
    "S02": lambda: camt(replace(SECOND, opening=1)),
    "S03": lambda: camt(SECOND.next(StatementMovement(7, "D"))),
    "S04": lambda: camt(replace(FIRST, moves=[*FIRST.moves, StatementMovement(5, "E")])),
    "S05": lambda: camt(SECOND)[:-60],
    "S06": lambda: camt(replace(SECOND, account="1111111111")),
    "S07": lambda: camt(replace(SECOND, currency="USD")),
}
ACCEPTABLE = {"S02", "S03", "S04"}


@pytest.mark.parametrize("code", FAULTS)
def test_a_file_with_a_fault_is_a_case_until_two_persons_drop_it(imports: StatementImports, code: str) -> None:
    """One is enough where nobody could read it."""
    imports.bring(camt(FIRST))
    held = imports.bring(FAULTS[code]())
    assert (held.state is FileStatus.ACCEPTED, imports.open_exceptions, imports.amounts) == (
        False,
        [code],
        [50_000, -700],
    )

    first = imports.decide(held, "reject", "nguoi.mot")
    if code == "S05":
        assert first.state is FileStatus.REJECTED
    else:
        assert imports.open_exceptions == [code]
        assert imports.decide(held, "reject", "nguoi.hai").state is FileStatus.REJECTED

    assert (imports.open_exceptions, imports.amounts) == ([], [50_000, -700])
    [case] = imports.hub.rows("SELECT code, maker, checker, resolution FROM fee_exception")
    assert tuple(case.values()) == (code, "nguoi.mot", None if code == "S05" else "nguoi.hai", "rejected")
    assert imports.bring(camt(SECOND)).is_accepted, "the right file comes after it"


@pytest.mark.parametrize("code", sorted(ACCEPTABLE))
def test_what_only_does_not_follow_on_is_accepted_by_two_persons(imports: StatementImports, code: str) -> None:
    imports.bring(camt(FIRST))
    held = imports.bring(FAULTS[code]())

    assert imports.approve(held).state is FileStatus.ACCEPTED_WITH_APPROVAL

    assert (imports.open_exceptions, len(imports.amounts)) == ([], 3)
    [case] = imports.hub.rows("SELECT maker, checker, resolution FROM fee_exception")
    assert tuple(case.values()) == ("nguoi.mot", "nguoi.hai", "approved")


def test_the_right_file_makes_the_one_that_was_held_no_better(imports: StatementImports) -> None:
    """It stays a case: somebody has to say that it is not needed any more."""
    imports.bring(camt(FIRST))
    held = imports.bring(FAULTS["S01"]())
    assert imports.bring(camt(SECOND)).is_accepted
    assert (imports.open_exceptions, imports.amounts) == (["S01"], [50_000, -700, 3_000])
    imports.decide(held, "reject", "nguoi.mot")
    imports.decide(held, "reject", "nguoi.hai")
    assert imports.open_exceptions == []
