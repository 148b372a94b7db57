"""Whatever a bank may say, what is read is what was said; and cut anywhere, it is never a shorter statement."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.banks import Bank
from connectors.banks.statements import formats
from hub.fees.reconciliation.statements import gates
from schemas.statement import Statement, StatementEntry, UnreadableFile
from tests.bank_files import StatementDraft, StatementMovement, ago, camt, csv_file, mt940, table, weekday, xlsx

WORDS = st.text(st.sampled_from("ABCDEFGHIKLMNOPQRSTUVXY0123456789 .-/"), min_size=1, max_size=150).map(
    lambda text: " ".join(text.split()).strip(" :-{") or "X"
)
VIETNAMESE = st.text(st.sampled_from('nộp phí hồ sơ;,"<>&\n0123456789ĐđƠơ'), max_size=80).map(
    lambda text: "x" + text.strip()
)
REFERENCES = st.none() | st.from_regex(r"FT[0-9]{1,12}", fullmatch=True)
AMOUNTS = st.integers(-(10**13), 10**13).filter(bool)


def drafts(texts: st.SearchStrategy[str]) -> st.SearchStrategy[StatementDraft]:
    moves = st.builds(StatementMovement, AMOUNTS, texts, ref=REFERENCES)
    return st.builds(StatementDraft, st.lists(moves, max_size=8), st.integers(0, 10**14), st.just(ago(1)))


def as_table(draft: StatementDraft) -> bytes:
    return csv_file(table(draft))


def as_workbook(draft: StatementDraft) -> bytes:
    return xlsx(table(draft, thousands=","))


WRITERS: list[tuple[Callable[[StatementDraft], bytes], st.SearchStrategy[StatementDraft]]] = [
    (camt, drafts(VIETNAMESE.map(lambda text: " ".join(text.split())))),
    (mt940, drafts(WORDS)),
    (as_table, drafts(VIETNAMESE)),
    (as_workbook, drafts(VIETNAMESE)),
]
each_format = pytest.mark.parametrize(("write", "any_draft"), WRITERS, ids=["camt", "mt940", "csv", "xlsx"])


def read(bank: Bank, raw: bytes) -> Statement | None:
    """The one statement, if it is read and keeps the gates."""
    try:
        _, [statement] = formats.read(bank, raw)
    except UnreadableFile:
        return None
    account = bank.account(statement.account)
    return None if gates.judge(statement, account, value_days=31, today=ago(0), is_working=weekday) else statement


def said_of(entry: StatementEntry) -> tuple[int, str, str | None]:
    return entry.amount, "".join(entry.text.split()), entry.bank_ref


@each_format
def test_what_is_read_is_what_was_said(
    bank: Bank, write: Callable[[StatementDraft], bytes], any_draft: st.SearchStrategy[StatementDraft]
) -> None:
    @settings(max_examples=60, deadline=None)
    @given(any_draft.filter(lambda draft: draft.moves or (write is not as_table and write is not as_workbook)))
    def check(draft: StatementDraft) -> None:
        statement = read(bank, write(draft))
        assert statement is not None
        assert (statement.opening, statement.closing) == (draft.opening, draft.end)
        assert [said_of(entry) for entry in statement.entries] == [
            (move.amount, "".join(move.text.split()), move.ref) for move in draft.moves
        ]

    check()


@each_format
def test_one_dong_more_or_less_is_seen(
    bank: Bank, write: Callable[[StatementDraft], bytes], any_draft: st.SearchStrategy[StatementDraft]
) -> None:
    @settings(max_examples=25, deadline=None)
    @given(any_draft, st.sampled_from([-1, 1]))
    def check(draft: StatementDraft, wrong: int) -> None:
        assert read(bank, write(replace(draft, closing=draft.end + wrong))) is None

    check()


@each_format
def test_a_file_cut_anywhere_is_all_of_it_or_nothing(
    bank: Bank, write: Callable[[StatementDraft], bytes], any_draft: st.SearchStrategy[StatementDraft]
) -> None:
    @settings(max_examples=8, deadline=None)
    @given(any_draft.filter(lambda draft: bool(draft.moves)), st.integers(0, 36))
    def check(draft: StatementDraft, start: int) -> None:
        raw = write(draft)
        whole = read(bank, raw)
        for end in range(start, len(raw), 37):
            assert read(bank, raw[:end]) in (None, whole)

    check()
