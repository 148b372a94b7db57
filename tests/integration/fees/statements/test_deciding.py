"""Out of quarantine by two persons, and what a corrected statement takes away (S04, S08, S22)."""

from dataclasses import replace

import pytest

from hub.errors import InvalidState, NotFound
from hub.fees.reconciliation.statements.model import FileStatus
from tests.bank_files import StatementDraft, StatementMovement, ago, camt
from tests.integration.fees.statements.conftest import StatementDesk

FIRST = StatementDraft([StatementMovement(50_000, "A"), StatementMovement(20, "B")], day=ago(5))
BROKEN = FIRST.next(StatementMovement(1, "C"), opening=7)
CORRECTED = replace(FIRST, moves=FIRST.moves[:1])


def codes(desk: StatementDesk, file_id: str) -> list[str]:
    [row] = desk.hub.rows("SELECT findings FROM statement_file WHERE id = %s", file_id)
    return [finding["code"] for finding in row["findings"]]


def test_one_person_alone_lets_nothing_out(desk: StatementDesk) -> None:
    desk.bring(camt(FIRST))
    held = desk.bring(camt(BROKEN))
    assert desk.decide(held, "approve", "nguoi.mot").state is FileStatus.QUARANTINED
    with pytest.raises(InvalidState, match="cần người khác"):
        desk.decide(held, "approve", "nguoi.mot")
    assert desk.amounts == [50_000, 20]
    with pytest.raises(InvalidState, match="đang có đề nghị"):
        desk.decide(held, "reject", "nguoi.hai")


def test_two_persons_accept_a_break_of_the_chain_and_it_goes_on_from_there(desk: StatementDesk) -> None:
    desk.bring(camt(FIRST))
    held = desk.bring(camt(BROKEN))
    assert desk.approve(held).state is FileStatus.ACCEPTED_WITH_APPROVAL
    assert desk.amounts == [50_000, 20, 1]
    assert desk.open_cases == []
    [row] = desk.hub.rows("SELECT maker, checker, reason FROM statement_file WHERE id = %s", held.id)
    assert (row["maker"], row["checker"]) == ("nguoi.mot", "nguoi.hai")
    assert codes(desk, held.id) == ["S02"]
    assert desk.bring(camt(BROKEN.next(StatementMovement(2, "D")))).is_accepted
    assert desk.hub.rows("SELECT chain, broken FROM statement ORDER BY chain") == [
        {"chain": 0, "broken": False},
        {"chain": 1, "broken": True},
        {"chain": 2, "broken": False},
    ]


def test_one_person_drops_what_nobody_could_read(desk: StatementDesk) -> None:
    """There is nothing in it that a second one could judge."""
    held = desk.bring(camt(FIRST)[:-60])
    assert desk.decide(held, "reject", "nguoi.mot").state is FileStatus.REJECTED
    [row] = desk.hub.rows("SELECT maker, checker FROM statement_file WHERE id = %s", held.id)
    assert (row["maker"], row["checker"]) == (None, "nguoi.mot")
    assert desk.open_cases == []
    assert desk.bring(camt(FIRST)).is_accepted


def test_two_persons_drop_a_file_for_good(desk: StatementDesk) -> None:
    desk.bring(camt(FIRST))
    held = desk.bring(camt(BROKEN))
    desk.decide(held, "reject", "nguoi.mot")
    assert desk.decide(held, "reject", "nguoi.hai").state is FileStatus.REJECTED
    assert desk.bring(camt(BROKEN)).repeated
    with pytest.raises(InvalidState, match="không có gì để quyết định"):
        desk.decide(held, "approve", "nguoi.ba")
    assert desk.amounts == [50_000, 20]


def test_who_has_proposed_may_say_otherwise(desk: StatementDesk) -> None:
    desk.bring(camt(FIRST))
    held = desk.bring(camt(BROKEN))
    desk.decide(held, "approve", "nguoi.mot")
    desk.decide(held, "reject", "nguoi.mot")
    assert desk.decide(held, "reject", "nguoi.hai").state is FileStatus.REJECTED


@pytest.mark.parametrize(
    "raw",
    [
        camt(replace(FIRST, closing=1)),
        camt(replace(FIRST, account="999999")),
        camt(replace(FIRST, currency="USD")),
        camt(FIRST)[:-40],
    ],
)
def test_what_does_not_add_up_or_is_not_ours_nobody_may_accept(desk: StatementDesk, raw: bytes) -> None:
    held = desk.bring(raw)
    assert held.state is FileStatus.QUARANTINED
    with pytest.raises(InvalidState, match="không duyệt được"):
        desk.decide(held, "approve", "nguoi.mot")
    if held.summary:
        desk.decide(held, "reject", "nguoi.mot")
    assert desk.decide(held, "reject", "nguoi.hai").state is FileStatus.REJECTED


def test_a_file_that_is_not_there_cannot_be_decided(desk: StatementDesk) -> None:
    held = desk.bring(camt(BROKEN))
    with pytest.raises(NotFound):
        desk.decide(replace(held, id="sf_00000000000000000000000000"), "approve", "nguoi.mot")


def test_a_line_that_a_corrected_statement_no_longer_has_is_alarmed(desk: StatementDesk) -> None:
    desk.bring(camt(FIRST))
    held = desk.bring(camt(CORRECTED))
    assert (held.state, [one["code"] for one in held.findings]) == (FileStatus.QUARANTINED, ["S04", "S08"])
    assert desk.amounts == [50_000, 20]


def test_the_corrected_statement_takes_the_place_of_the_first_and_the_line_counts_no_more(desk: StatementDesk) -> None:
    first = desk.bring(camt(FIRST))
    held = desk.bring(camt(CORRECTED))
    assert desk.approve(held).state is FileStatus.ACCEPTED_WITH_APPROVAL
    assert desk.amounts == [50_000]
    assert [(line["amount"], line["state"]) for line in desk.lines] == [(50_000, "new"), (20, "vanished")]
    assert desk.hub.rows("SELECT state FROM statement_file WHERE id = %s", first.id) == [{"state": "superseded"}]
    assert desk.open_cases == ["S08"]  # the line's own: money that was there and is not
    assert desk.bring(camt(CORRECTED.next(StatementMovement(2, "D")))).is_accepted


def test_a_line_that_an_overlapping_statement_does_not_have_is_alarmed(desk: StatementDesk) -> None:
    desk.bring(
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
    held = desk.bring(
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


def test_another_content_under_the_same_name_and_day_is_held(desk: StatementDesk) -> None:
    desk.bring(camt(FIRST))
    held = desk.bring(camt(replace(FIRST, moves=[*FIRST.moves, StatementMovement(5, "C")])))
    assert [one["code"] for one in held.findings] == ["S04"]
    assert desk.approve(held).is_accepted
    assert desk.amounts == [50_000, 20, 5]
