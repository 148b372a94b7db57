"""Out of quarantine by two persons, and what a corrected statement takes away (S04, S08, S22)."""

from dataclasses import replace

import pytest

from hub.errors import InvalidState, NotFound
from hub.fees.reconciliation.statements.model import FileStatus
from tests.bank_files import StatementDraft, StatementMovement, ago, camt
from tests.integration.fees.statements.conftest import StatementImports

FIRST = StatementDraft([StatementMovement(50_000, "A"), StatementMovement(20, "B")], day=ago(5))
BROKEN = FIRST.next(StatementMovement(1, "C"), opening=7)
CORRECTED = replace(FIRST, moves=FIRST.moves[:1])


def codes(imports: StatementImports, file_id: str) -> list[str]:
    [row] = imports.hub.rows("SELECT findings FROM statement_file WHERE id = %s", file_id)
    return [finding["code"] for finding in row["findings"]]


def test_one_person_alone_lets_nothing_out(imports: StatementImports) -> None:
    imports.bring(camt(FIRST))
    held = imports.bring(camt(BROKEN))
    assert imports.decide(held, "approve", "nguoi.mot").state is FileStatus.QUARANTINED
    with pytest.raises(InvalidState, match="cần người khác"):
        imports.decide(held, "approve", "nguoi.mot")
    assert imports.amounts == [50_000, 20]
    with pytest.raises(InvalidState, match="đang có đề nghị"):
        imports.decide(held, "reject", "nguoi.hai")


def test_two_persons_accept_a_break_of_the_chain_and_it_goes_on_from_there(imports: StatementImports) -> None:
    imports.bring(camt(FIRST))
    held = imports.bring(camt(BROKEN))
    assert imports.approve(held).state is FileStatus.ACCEPTED_WITH_APPROVAL
    assert imports.amounts == [50_000, 20, 1]
    assert imports.open_exceptions == []
    [row] = imports.hub.rows("SELECT maker, checker, reason FROM statement_file WHERE id = %s", held.id)
    assert (row["maker"], row["checker"]) == ("nguoi.mot", "nguoi.hai")
    assert codes(imports, held.id) == ["S02"]
    assert imports.bring(camt(BROKEN.next(StatementMovement(2, "D")))).is_accepted
    assert imports.hub.rows("SELECT chain, broken FROM statement ORDER BY chain") == [
        {"chain": 0, "broken": False},
        {"chain": 1, "broken": True},
        {"chain": 2, "broken": False},
    ]


def test_one_person_drops_what_nobody_could_read(imports: StatementImports) -> None:
    """There is nothing in it that a second one could judge."""
    held = imports.bring(camt(FIRST)[:-60])
    assert imports.decide(held, "reject", "nguoi.mot").state is FileStatus.REJECTED
    [row] = imports.hub.rows("SELECT maker, checker FROM statement_file WHERE id = %s", held.id)
    assert (row["maker"], row["checker"]) == (None, "nguoi.mot")
    assert imports.open_exceptions == []
    assert imports.bring(camt(FIRST)).is_accepted


def test_two_persons_drop_a_file_for_good(imports: StatementImports) -> None:
    imports.bring(camt(FIRST))
    held = imports.bring(camt(BROKEN))
    imports.decide(held, "reject", "nguoi.mot")
    assert imports.decide(held, "reject", "nguoi.hai").state is FileStatus.REJECTED
    assert imports.bring(camt(BROKEN)).repeated
    with pytest.raises(InvalidState, match="không có gì để quyết định"):
        imports.decide(held, "approve", "nguoi.ba")
    assert imports.amounts == [50_000, 20]


def test_who_has_proposed_may_say_otherwise(imports: StatementImports) -> None:
    imports.bring(camt(FIRST))
    held = imports.bring(camt(BROKEN))
    imports.decide(held, "approve", "nguoi.mot")
    imports.decide(held, "reject", "nguoi.mot")
    assert imports.decide(held, "reject", "nguoi.hai").state is FileStatus.REJECTED


@pytest.mark.parametrize(
    "raw",
    [
        camt(replace(FIRST, closing=1)),
        camt(replace(FIRST, account="999999")),
        camt(replace(FIRST, currency="USD")),
        camt(FIRST)[:-40],
    ],
)
def test_what_does_not_add_up_or_is_not_ours_nobody_may_accept(imports: StatementImports, raw: bytes) -> None:
    held = imports.bring(raw)
    assert held.state is FileStatus.QUARANTINED
    with pytest.raises(InvalidState, match="không duyệt được"):
        imports.decide(held, "approve", "nguoi.mot")
    if held.summary:
        imports.decide(held, "reject", "nguoi.mot")
    assert imports.decide(held, "reject", "nguoi.hai").state is FileStatus.REJECTED


def test_a_file_that_is_not_there_cannot_be_decided(imports: StatementImports) -> None:
    held = imports.bring(camt(BROKEN))
    with pytest.raises(NotFound):
        imports.decide(replace(held, id="sf_00000000000000000000000000"), "approve", "nguoi.mot")


def test_a_line_that_a_corrected_statement_no_longer_has_is_alarmed(imports: StatementImports) -> None:
    imports.bring(camt(FIRST))
    held = imports.bring(camt(CORRECTED))
    assert (held.state, [one["code"] for one in held.findings]) == (FileStatus.QUARANTINED, ["S04", "S08"])
    assert imports.amounts == [50_000, 20]


def test_the_corrected_statement_takes_the_place_of_the_first_and_the_line_counts_no_more(
    imports: StatementImports,
) -> None:
    first = imports.bring(camt(FIRST))
    held = imports.bring(camt(CORRECTED))
    assert imports.approve(held).state is FileStatus.ACCEPTED_WITH_APPROVAL
    assert imports.amounts == [50_000]
    assert [(line["amount"], line["state"]) for line in imports.lines] == [(50_000, "new"), (20, "vanished")]
    assert imports.hub.rows("SELECT state FROM statement_file WHERE id = %s", first.id) == [{"state": "superseded"}]
    assert imports.open_exceptions == ["S08"]  # the line's own: money that was there and is not
    assert imports.bring(camt(CORRECTED.next(StatementMovement(2, "D")))).is_accepted


def test_a_line_that_an_overlapping_statement_does_not_have_is_alarmed(imports: StatementImports) -> None:
    imports.bring(
        camt(
            StatementDraft(
                [
                    StatementMovement(10, "A", ago(5)),
                    StatementMovement(20, "B", ago(4)),
                    StatementMovement(30, "C", ago(3)),
                ],
                first=ago(5),
                day=ago(3),
            )
        )
    )
    held = imports.bring(
        camt(
            StatementDraft(
                [StatementMovement(20, "B", ago(4)), StatementMovement(40, "D", ago(2))],
                opening=10,
                first=ago(4),
                day=ago(2),
                id="2",
            )
        )
    )
    assert (held.state, [one["code"] for one in held.findings]) == (FileStatus.QUARANTINED, ["S08"])


def test_another_content_under_the_same_name_and_day_is_held(imports: StatementImports) -> None:
    imports.bring(camt(FIRST))
    held = imports.bring(camt(replace(FIRST, moves=[*FIRST.moves, StatementMovement(5, "C")])))
    assert [one["code"] for one in held.findings] == ["S04"]
    assert imports.approve(held).is_accepted
    assert imports.amounts == [50_000, 20, 5]
