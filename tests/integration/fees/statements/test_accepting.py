"""Statement files on a real database: whole or not at all, once, and each movement one line (S1 to S10, S16, S17)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from psycopg.errors import InsufficientPrivilege, RaiseException

from hub.fees.reconciliation.statements.importing import ImportResult
from hub.fees.reconciliation.statements.model import FileStatus
from tests.bank_files import CAMT_08, StatementDraft, StatementMovement, ago, camt, csv_file, mt940, table, xlsx
from tests.integration.fees.statements.conftest import StatementImports

FIRST = StatementDraft(
    [StatementMovement(50_000, "A"), StatementMovement(-700, "B")], opening=1_000, day=ago(5), sequence=1
)


def codes(result: ImportResult) -> list[str]:
    return [finding["code"] for finding in result.findings]


@pytest.mark.parametrize(
    "write", [camt, mt940, lambda draft: csv_file(table(draft)), lambda draft: xlsx(table(draft, thousands=","))]
)
def test_a_statement_that_is_right_is_accepted_in_every_format(
    imports: StatementImports, write: Callable[[StatementDraft], bytes]
) -> None:
    result = imports.bring(write(FIRST))
    assert (result.state, result.findings) == (FileStatus.ACCEPTED, [])
    assert [(one["opening"], one["total"], one["closing"], one["new"]) for one in result.summary] == [
        (1_000, 49_300, 50_300, 2)
    ]
    assert imports.amounts == [50_000, -700]
    assert imports.open_exceptions == []


def test_one_dong_that_does_not_add_up_holds_the_whole_file(imports: StatementImports) -> None:
    right = StatementDraft([StatementMovement(5)], account="7060504030201", day=ago(5), id="9")
    result = imports.bring(camt(right, replace(FIRST, closing=50_301)))
    assert (result.state, codes(result)) == (FileStatus.QUARANTINED, ["S01"])
    [finding] = result.findings
    assert (finding["opening"], finding["total"], finding["closing"]) == (1_000, 49_300, 50_301)
    assert (imports.lines, imports.hub.rows("SELECT id FROM statement")) == ([], [])
    assert imports.open_exceptions == ["S01"]


def test_details_that_do_not_add_up_to_their_entry_hold_the_file(imports: StatementImports) -> None:
    apart = StatementDraft([StatementMovement(30, details=((10, "A"), (19, "B")))], day=ago(5))
    assert codes(imports.bring(camt(apart))) == ["S01"]


def test_the_files_own_count_is_held_against_its_entries(imports: StatementImports) -> None:
    summary = b"<TxsSummry><TtlNtries><NbOfNtries>%d</NbOfNtries></TtlNtries></TxsSummry><Ntry>"
    raw = camt(FIRST)
    assert codes(imports.bring(raw.replace(b"<Ntry>", summary % 3, 1))) == ["S01"]
    assert imports.bring(raw.replace(b"<Ntry>", summary % 2, 1)).is_accepted


def test_a_running_balance_that_jumps_holds_the_file(imports: StatementImports) -> None:
    rows = table(FIRST)
    assert rows[5][4] == "51.000"
    rows[5][4] = "51.001"
    result = imports.bring(csv_file(rows))
    assert codes(result) == ["S01"]
    assert "51001" in result.findings[0]["sentence"]


def test_the_same_bytes_are_one_file_whatever_they_are_called(imports: StatementImports) -> None:
    first, again = imports.bring(camt(FIRST), name="a.xml"), imports.bring(camt(FIRST), name="b.xml")
    assert (again.repeated, again.id, again.state) == (True, first.id, FileStatus.ACCEPTED)
    assert len(imports.lines) == 2


def test_a_file_that_is_indented_or_zipped_again_brings_no_new_lines(imports: StatementImports) -> None:
    imports.bring(camt(FIRST))
    again = imports.bring(camt(FIRST).replace(b"><", b">\n  <"))
    assert again.is_accepted
    assert [(one["new"], one["known"], one["repeated"]) for one in again.summary] == [(0, 2, True)]
    assert len(imports.lines) == 2


def test_an_overlapping_download_adds_what_is_new_and_no_more(imports: StatementImports) -> None:
    days = [
        StatementMovement(10, "A", ago(5)),
        StatementMovement(20, "B", ago(4), ref="FT2"),
        StatementMovement(30, "C", ago(3)),
    ]
    imports.bring(camt(StatementDraft(days[:2], day=ago(4), first=ago(5))))
    longer = imports.bring(camt(StatementDraft(days, day=ago(3), first=ago(5), id="2")))
    assert [(one["new"], one["known"]) for one in longer.summary] == [(1, 2)]
    later = imports.bring(
        camt(
            StatementDraft(
                [*days[1:], StatementMovement(40, "D", ago(2))], opening=10, day=ago(2), first=ago(4), id="3"
            )
        )
    )
    assert [(one["new"], one["known"]) for one in later.summary] == [(1, 2)]
    assert imports.amounts == [10, 20, 30, 40]
    shorter = imports.bring(camt(StatementDraft(days[:1], day=ago(5), id="4")))
    assert [(one["new"], one["known"]) for one in shorter.summary] == [(0, 1)]


def test_two_honest_identical_lines_stay_two_and_are_two_when_told_again(imports: StatementImports) -> None:
    twins = [StatementMovement(50_000, "NOP PHI", ago(5))] * 2
    imports.bring(camt(StatementDraft(twins, day=ago(5))))
    assert imports.amounts == [50_000, 50_000]
    imports.bring(camt(StatementDraft([*twins, StatementMovement(1, "C", ago(4))], first=ago(5), day=ago(4), id="2")))
    assert imports.amounts == [50_000, 50_000, 1]


def test_identical_lines_in_two_statements_of_one_day_are_two(imports: StatementImports) -> None:
    morning = StatementDraft([StatementMovement(50_000)], day=ago(5))
    evening = StatementDraft([StatementMovement(50_000)], opening=50_000, day=ago(5), id="2")
    assert imports.bring(camt(morning)).is_accepted
    assert imports.bring(camt(evening)).is_accepted
    whole_day = StatementDraft([StatementMovement(50_000)] * 2, day=ago(5), id="3")
    assert [one["new"] for one in imports.bring(camt(whole_day)).summary] == [0]
    assert imports.amounts == [50_000, 50_000]


def test_a_reference_of_the_bank_that_two_lines_share_is_not_taken_for_their_name(imports: StatementImports) -> None:
    one, two = StatementMovement(10, "A", ago(5), ref="BATCH1"), StatementMovement(20, "B", ago(5), ref="BATCH1")
    imports.bring(camt(StatementDraft([one], day=ago(5))))
    imports.bring(camt(StatementDraft([one, two], day=ago(5), id="2")))
    assert imports.amounts == [10, 20]
    assert [line["line_key"].partition(":")[0] for line in imports.lines] == ["ref", "sha256"]
    assert [draft["new"] for draft in imports.bring(camt(StatementDraft([two, one], day=ago(5), id="3"))).summary] == [
        0
    ]


def test_a_number_that_comes_again_next_year_is_another_statement(imports: StatementImports) -> None:
    old = StatementDraft([StatementMovement(5, "A")], day=ago(400), id="24")
    new = StatementDraft([StatementMovement(7, "B")], opening=5, day=ago(5), id="24")
    assert [imports.bring(camt(one)).state for one in (old, new)] == [FileStatus.ACCEPTED, FileStatus.ACCEPTED]
    assert imports.amounts == [5, 7]


def test_several_accounts_are_told_apart_and_one_that_is_not_ours_holds_the_file(imports: StatementImports) -> None:
    other = StatementDraft([StatementMovement(3)], account="7060504030201", day=ago(5), id="2")
    stranger = replace(other, account="1111111111", id="3")
    assert codes(imports.bring(camt(FIRST, other, stranger))) == ["S06"]
    assert imports.amounts == []
    assert imports.bring(camt(FIRST, other)).is_accepted
    assert {(line["account"], line["amount"]) for line in imports.lines} >= {
        ("7060504030201", 3),
        ("1020304050607", 50_000),
    }


def test_an_account_is_known_by_the_other_ways_in_which_the_bank_writes_it(imports: StatementImports) -> None:
    assert imports.bring(mt940(replace(FIRST, account="970400/1020304050607"))).is_accepted
    assert {line["account"] for line in imports.lines} == {"1020304050607"}


def test_another_currency_is_never_accepted(imports: StatementImports) -> None:
    assert codes(imports.bring(camt(StatementDraft([StatementMovement(5)], currency="USD", day=ago(5))))) == ["S07"]


def test_an_entry_of_several_details_is_a_line_for_each(imports: StatementImports) -> None:
    imports.bring(
        camt(
            StatementDraft(
                [
                    StatementMovement(30, details=((10, "A"), (20, "B"))),
                    StatementMovement(5, details=((None, "C"), (None, "D"))),
                ],
                day=ago(5),
            )
        )
    )
    assert [(line["amount"], line["text"], line["entry"]) for line in imports.lines] == [
        (10, "A", 1),
        (20, "B", 1),
        (5, "C D", 2),
    ]


def test_what_is_pending_and_then_booked_is_one_line(imports: StatementImports) -> None:
    pending = StatementMovement(50_000, "A", ago(5), ref="FT1", standing="PDNG")
    imports.bring(camt(StatementDraft([pending], day=ago(5))))
    [line] = imports.lines
    assert (line["status"], line["state"], imports.amounts) == ("PDNG", "pending", [])
    booked = replace(pending, day=ago(4), standing="BOOK")
    imports.bring(camt(StatementDraft([booked], day=ago(4), id="2")))
    [after] = imports.lines
    assert (after["id"], after["status"], after["state"]) == (line["id"], "BOOK", "new")
    assert after["booking_date"] == ago(4)


NOTICE = CAMT_08.replace("053", "054")


@pytest.mark.parametrize("notice_first", [True, False])
def test_a_notice_and_a_statement_of_the_same_money_are_one_line(
    imports: StatementImports, *, notice_first: bool
) -> None:
    move = StatementMovement(50_000, "A", ago(5), ref="FT1")
    notice, statement = (
        camt(StatementDraft([move], day=ago(5)), ns=NOTICE, kind="Ntfctn"),
        camt(StatementDraft([move], day=ago(5))),
    )
    for raw in (notice, statement) if notice_first else (statement, notice):
        assert imports.bring(raw).is_accepted
    assert [(line["status"], line["amount"]) for line in imports.lines] == [("BOOK", 50_000)]


def test_a_notice_alone_books_nothing(imports: StatementImports) -> None:
    twins = [StatementMovement(50_000, "A", ago(5))] * 2
    raw = camt(StatementDraft(twins, day=ago(5)), ns=NOTICE, kind="Ntfctn")
    imports.bring(raw)
    imports.bring(raw.replace(b"><", b">\n<"))
    assert [(line["status"], line["state"]) for line in imports.lines] == [("PDNG", "pending")] * 2
    assert imports.amounts == []
    imports.bring(camt(StatementDraft([*twins, *twins[:1]], day=ago(5))))
    assert len(imports.lines) == 3
    assert imports.amounts == [50_000] * 3


def test_what_is_taken_back_is_a_movement_of_its_own(imports: StatementImports) -> None:
    imports.bring(
        mt940(
            StatementDraft([StatementMovement(50_000, "A"), StatementMovement(-50_000, "A", reversal=True)], day=ago(5))
        )
    )
    assert [(line["amount"], line["reversal"]) for line in imports.lines] == [(50_000, False), (-50_000, True)]


def test_a_statement_without_movements_carries_the_chain_on(imports: StatementImports) -> None:
    quiet = FIRST.next()
    after = quiet.next(StatementMovement(9, "C"))
    assert [imports.bring(mt940(one)).state for one in (FIRST, quiet, after)] == [FileStatus.ACCEPTED] * 3


def test_a_statement_that_does_not_open_where_the_last_one_closed_is_held(imports: StatementImports) -> None:
    imports.bring(camt(FIRST))
    result = imports.bring(camt(FIRST.next(StatementMovement(1, "C"), opening=50_301)))
    assert (result.state, codes(result)) == (FileStatus.QUARANTINED, ["S02"])
    assert "50301" in result.findings[0]["sentence"]
    assert imports.amounts == [50_000, -700]


def test_a_statement_whose_forerunner_is_missing_waits_and_is_accepted_when_that_has_come(
    imports: StatementImports,
) -> None:
    missing = FIRST.next(StatementMovement(1, "C"))
    later = missing.next(StatementMovement(2, "D"))
    imports.bring(mt940(FIRST))
    waiting = imports.bring(mt940(later))
    assert (waiting.state, codes(waiting), imports.open_exceptions) == (FileStatus.BALANCED, ["S03"], ["S03"])
    assert imports.amounts == [50_000, -700]
    imports.bring(mt940(missing))
    assert imports.amounts == [50_000, -700, 1, 2]
    assert imports.open_exceptions == []
    [row] = imports.hub.rows("SELECT state, findings FROM statement_file WHERE id = %s", waiting.id)
    assert row == {"state": "accepted", "findings": []}


def test_a_working_day_without_a_statement_is_missed(imports: StatementImports) -> None:
    friday = ago(7) - timedelta(days=(ago(7).weekday() - 4) % 7)
    first = StatementDraft([StatementMovement(1, "A")], account="9988776655", day=friday)
    tuesday = replace(
        first, moves=[StatementMovement(2, "B")], opening=1, day=friday + timedelta(days=4), id="2", sequence=None
    )
    table_of = ["Closing balance,{0}", "Date,Description,Payer,D/C,Amount,Balance,Currency", "{1},x,,C,{2},{0},VND"]
    raws = ["\n".join(table_of).format(one.end, one.day, one.moves[0].amount).encode() for one in (first, tuesday)]
    assert imports.bring(raws[0], bank="bank-b").is_accepted
    result = imports.bring(raws[1], bank="bank-b")
    assert (result.state, codes(result)) == (FileStatus.BALANCED, ["S03"])
    assert str(friday + timedelta(days=3)) in result.findings[0]["sentence"]


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_files_in_any_order_come_to_the_same(imports: StatementImports, order: tuple[int, ...]) -> None:
    days = [FIRST]
    for number in range(2):
        days.append(days[-1].next(StatementMovement(number + 1, "C"), StatementMovement(50_000, "A")))
    for number, place in enumerate(order):
        assert imports.bring(mt940(days[number])).is_accepted
        imports.bring(mt940(replace(days[place], account="7060504030201")))
    assert imports.lines_of("1020304050607") == imports.lines_of("7060504030201")
    assert len(imports.lines_of("7060504030201")) == 6
    assert imports.open_exceptions == []


@pytest.mark.parametrize(
    ("draft", "says"),
    [
        (StatementDraft([StatementMovement(1, day=ago(-2))], day=ago(5)), "future"),
        (StatementDraft([StatementMovement(1)], day=ago(-1)), "future"),
        (StatementDraft([StatementMovement(1, day=ago(40))], day=ago(5)), "outside"),
        (StatementDraft([StatementMovement(1, value=ago(-200))], day=ago(5)), "value date"),
        (StatementDraft([StatementMovement(1, value=ago(500))], day=ago(5)), "value date"),
        (StatementDraft([StatementMovement(1)], day=ago(3_000)), "older"),
        (StatementDraft([], day=ago(5), first=ago(4)), "before it begins"),
    ],
)
def test_a_day_that_cannot_be_holds_the_file(imports: StatementImports, draft: StatementDraft, says: str) -> None:
    result = imports.bring(camt(draft))
    assert (result.state, "S05" in codes(result)) == (FileStatus.QUARANTINED, True)
    assert any(says in finding["sentence"] for finding in result.findings)


def test_what_cannot_be_read_is_kept_with_its_bytes_and_the_line(imports: StatementImports) -> None:
    raw = camt(FIRST)[:-300]
    result = imports.bring(raw)
    assert (result.state, codes(result), result.summary) == (FileStatus.QUARANTINED, ["S05"], [])
    assert result.findings[0]["line"]
    [row] = imports.hub.rows("SELECT body FROM statement_file")
    assert bytes(row["body"]) == raw


def test_a_booked_line_is_never_changed_and_nothing_is_deleted(imports: StatementImports) -> None:
    imports.bring(camt(FIRST))
    for statement in ("UPDATE statement_line SET amount = 1", "UPDATE statement_line SET text = 'x'"):
        with pytest.raises((RaiseException, InsufficientPrivilege)):
            imports.hub.rows(statement)
    for table_ in ("statement_line", "statement", "statement_file"):
        with pytest.raises((RaiseException, InsufficientPrivilege)):
            imports.hub.rows("DELETE FROM " + table_)
