"""MT940 and MT942: every line has its place, reversals go the right way, and what is cut is not shorter but refused."""

from collections.abc import Callable

import pytest

from config.statements import Mt940
from connectors.banks.statements import formats, mt940
from schemas.statement import EntryKind, Statement, StatementCode, UnreadableFile, gathered
from tests import bank_files
from tests.bank_files import StatementDraft, StatementMovement, ago

Reading = Callable[[bytes], list[Statement]]
Wrong = Callable[[bytes], UnreadableFile]


def by(raw: bytes, **profile: object) -> list[Statement]:
    return gathered(mt940.read(raw, Mt940.model_validate(profile)), most=100)


def test_a_statement_is_read_with_all_that_it_says(read: Reading) -> None:
    move = StatementMovement(50_000, "HC123456789012 NOP PHI", ref="FT1", e2e="E1", value=ago(2))
    [statement] = read(bank_files.mt940(StatementDraft([move, StatementMovement(-1_000)], opening=100_000, sequence=9)))
    assert (statement.kind, statement.account, statement.bank_id, statement.sequence) == (
        EntryKind.STATEMENT,
        "1020304050607",
        "9/1",
        9,
    )
    assert (statement.opening, statement.closing, statement.currency) == (100_000, 149_000, "VND")
    first, second = statement.entries
    assert (first.amount, first.bank_ref, first.e2e, first.text) == (50_000, "FT1", "E1", "HC123456789012 NOP PHI")
    assert (first.booking_date, first.value_date) == (ago(1), ago(2))
    assert (second.amount, second.bank_ref, second.e2e) == (-1_000, None, None)


HEADER = b"{1:F01BFTVVNVXAXXX0000000000}{2:O9400800261124BFTVVNVXAXXX00000000002611240800N}{3:{108:MT940X}}{4:"
TRAILER = b"-}{5:{MAC:00000000}{CHK:123456789ABC}}"


def enveloped(raw: bytes) -> bytes:
    """The message as FIN carries it."""
    return HEADER + b"\r\n" + raw.rstrip().removesuffix(b"-") + TRAILER


def test_headers_and_trailers_of_fin_are_read_over(read: Reading) -> None:
    raw = bank_files.mt940(StatementDraft([StatementMovement(50_000)]))
    [bare], [statement] = read(raw), read(enveloped(raw))
    assert [one.model_copy(update={"line": 0}) for one in statement.entries] == [
        one.model_copy(update={"line": 0}) for one in bare.entries
    ]
    second = bank_files.mt940(StatementDraft([StatementMovement(7)], opening=50_000, day=ago(0)))
    assert [one.closing for one in read(enveloped(raw) + b"\r\n" + enveloped(second))] == [50_000, 50_007]
    assert [one.closing for one in read(enveloped(raw) + enveloped(second))] == [50_000, 50_007]


def test_nothing_but_whole_blocks_stands_in_an_envelope(wrong: Wrong) -> None:
    raw = enveloped(bank_files.mt940(StatementDraft([StatementMovement(50_000)])))
    for cut in range(len(raw) - 1, len(raw) - len(TRAILER) + 2, -1):
        assert wrong(raw[:cut]).code is StatementCode.UNPARSABLE, raw[cut - 20 : cut]
    assert "outside" in wrong(HEADER + b":20:X:25:1020304050607}\r\n" + raw).sentence


def test_what_is_taken_back_goes_the_other_way(read: Reading) -> None:
    taken = [StatementMovement(-204, reversal=True), StatementMovement(204, reversal=True)]
    raw = bank_files.mt940(StatementDraft(taken))
    assert b"RC204," in raw
    assert b"RD204," in raw
    assert [(one.amount, one.reversal) for one in read(raw)[0].entries] == [(-204, True), (204, True)]


def test_long_details_stay_whole_with_their_line_breaks(read: Reading) -> None:
    text = "".join(f"{number:03}" for number in range(400))
    [statement] = read(bank_files.mt940(StatementDraft([StatementMovement(1, text)])))
    assert statement.entries[0].text.replace("\n", "") == text
    assert statement.entries[0].text.count("\n") == len(text) // 65


def test_structured_details_are_put_together_without_their_marks(read: Reading) -> None:
    text = "166?00CREDIT?20SVWZ+HC1234567?2189012 NOP PHI?32NGUYEN VAN THU"
    assert read(bank_files.mt940(StatementDraft([StatementMovement(1, text)])))[0].entries[0].text.splitlines() == [
        "SVWZ+HC123456789012 NOP PHI",
        "CREDIT",
        "NGUYEN VAN THU",
    ]


def test_details_behind_the_closing_balance_are_not_the_last_lines_own(read: Reading) -> None:
    raw = bank_files.mt940(StatementDraft([StatementMovement(1, "ONE")])).replace(
        b"\n-\n", b"\n:86:OF THE WHOLE\nSTATEMENT\n-\n"
    )
    assert read(raw)[0].entries[0].text == "ONE"


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"{1:F01X}{2:O940}{4:\n", b"ABNANL2A\n940\n"])
def test_neither_line_ends_nor_headers_nor_a_byte_order_mark_matter(
    read: Reading, before: bytes, line_end: bytes
) -> None:
    raw = before + bank_files.mt940(
        StatementDraft([StatementMovement(1)]), StatementDraft([StatementMovement(2)], id="2")
    )
    assert [one.entries[0].amount for one in read(raw.replace(b"\n", line_end))] == [1, 2]


def test_utf_16_is_read_and_another_encoding_is_named(read: Reading, wrong: Wrong) -> None:
    raw = bank_files.mt940(StatementDraft([StatementMovement(1, "NỘP PHÍ")]))
    assert read(raw.decode().encode("utf-16"))[0].entries[0].text == "NỘP PHÍ"
    assert "utf-8" in wrong(raw.replace("NỘP PHÍ".encode(), b"N\xd4P PH\xcd")).sentence
    assert by(raw.replace("NỘP PHÍ".encode(), b"PH\x8f"), encoding="cp852")[0].entries[0].text == "PHĆ"


def paged(*pages: str) -> bytes:
    """Pages of statement 7: each opens and closes with the letters that it begins and ends with."""
    return "".join(
        f":20:P\n:25:1020304050607\n:28C:7/{number}\n:60{page[0]}:C261123VND{number - 1}0,\n"
        f":61:2611231123C10,NTRFNONREF\n:62{page[1]}:C261123VND{number}0,\n-\n"
        for number, page in enumerate(pages, 1)
    ).encode()


def test_the_pages_of_a_statement_are_put_together(read: Reading) -> None:
    [statement] = read(paged("FM", "MM", "MF"))
    assert (statement.opening, statement.closing, len(statement.entries), statement.whole) == (0, 30, 3, True)


@pytest.mark.parametrize("pages", [("FM",), ("MF",), ("MM",), ("FM", "MM"), ("FF", "MF")])
def test_a_statement_whose_pages_are_not_all_there_is_not_whole(read: Reading, pages: tuple[str, ...]) -> None:
    assert not all(one.whole for one in read(paged(*pages)))


def test_a_page_that_does_not_carry_the_balance_on_breaks_the_chain(wrong: Wrong) -> None:
    assert wrong(paged("FM", "MF").replace(b"VND10,\n:61", b"VND11,\n:61")).code is StatementCode.CHAIN_BREAK
    assert wrong(paged("FM", "MM", "MF").replace(b":28C:7/2", b":28C:7/3")).code is StatementCode.CHAIN_BREAK


def test_an_mt942_tells_of_movements_and_has_its_own_totals(read: Reading) -> None:
    raw = (
        b":20:X\n:25:1020304050607\n:28C:1/1\n:34F:VND0,\n:13D:2611241815+0700\n"
        b":61:2611241124C50000,NTRFNONREF//FT1\n:86:NOP PHI\n:61:2611241124D700,NTRFNONREF\n"
        b":90D:1VND700,\n:90C:1VND50000,\n-\n"
    )
    [statement] = read(raw)
    assert (statement.kind, statement.opening, statement.closing) == (EntryKind.INTERIM, None, None)
    totals = statement.totals
    assert (totals.credits, totals.credit_sum, totals.debits, totals.debit_sum) == (1, 50_000, 1, 700)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (b":61:", b":6l:", "none of MT940"),
        (b":61:", b"61:", "second line"),
        (b"C50000,", b"C50000,5", "fraction"),
        (b"C50000,", b"C50,000,", "SWIFT"),
        (b"C50000,", b"C5000O,", "SWIFT"),
        (b"C50000,", b"X50000,", "SWIFT"),
        (b"C50000,", b"C,", "SWIFT"),
        (b"NONREF", b"TOO LONG A REFERENCE", "dialect"),
        (b":61:26", b":61:", "SWIFT"),
        (b":62F:", b":62X:", "none of MT940"),
        (b"-\n", b"", "breaks off"),
        (b"-\n", b"-\nand more\n", "outside"),
        (b":28C:1/1\n", b"", "no number"),
        (b":25:1020304050607\n", b"", "no account"),
        (b":62F:C", b":62F:X", "balance"),
        (b":60F:", b":86:EARLY\n:60F:", "before the first"),
        (b":20:STMT\n", b":20:STMT\nMORE\n", "second line"),
        (b":20:STMT\n", b"", "outside"),
    ],
)
def test_a_line_that_is_not_what_the_format_has_refuses_the_file(before: bytes, after: bytes, says: str) -> None:
    raw = bank_files.mt940(StatementDraft([StatementMovement(50_000)]))
    assert before in raw
    with pytest.raises(UnreadableFile) as caught:
        by(raw.replace(before, after))
    assert caught.value.code is StatementCode.UNPARSABLE
    assert says in caught.value.sentence


def test_the_thirtieth_of_february_is_refused_unless_the_bank_counts_thirty_days() -> None:
    raw = bank_files.mt940(StatementDraft([StatementMovement(1)])).replace(
        f":61:{ago(1):%y%m%d%m%d}".encode(), b":61:2602300301"
    )
    with pytest.raises(UnreadableFile) as caught:
        by(raw)
    assert (caught.value.code, caught.value.line) == (StatementCode.UNPARSABLE, 5)
    assert str(by(raw, thirty_day_months=True)[0].entries[0].value_date) == "2026-02-28"


def test_a_longer_reference_is_read_where_the_bank_is_said_to_write_it() -> None:
    raw = bank_files.mt940(StatementDraft([StatementMovement(1, ref="FT9", e2e="NL91ABNA0417164300XXXXXXXX")]))
    with pytest.raises(UnreadableFile, match="long-reference"):
        by(raw)
    [entry] = by(raw, dialect="long-reference")[0].entries
    assert (entry.e2e, entry.bank_ref, entry.amount) == ("NL91ABNA0417164300XXXXXXXX", "FT9", 1)


def test_a_bank_that_ends_nothing_may_be_said_not_to() -> None:
    raw = bank_files.mt940(
        StatementDraft([StatementMovement(1)]), StatementDraft([StatementMovement(2)], id="2")
    ).replace(b"-\n", b"")
    with pytest.raises(UnreadableFile, match="before the one before"):
        by(raw)
    assert [one.bank_id for one in by(raw, terminator=False)] == ["1/1", "2/1"]


def test_a_file_without_a_message_is_no_empty_statement(wrong: Wrong) -> None:
    assert wrong(b":20:\n").code is StatementCode.UNPARSABLE
    assert formats.format_of(b"1\n2\n3\n") == "csv"
    with pytest.raises(UnreadableFile, match="outside"):
        by(b"1\n2\n3\n")
    with pytest.raises(UnreadableFile, match="no MT940"):
        by(b"\n\n")


def test_nothing_that_people_wrote_stands_in_the_error_or_the_log(
    wrong: Wrong, caplog: pytest.LogCaptureFixture
) -> None:
    raw = bank_files.mt940(StatementDraft([StatementMovement(1, "NGUYEN VAN BI MAT", e2e="BI MAT QUA DAI QUA DAI")]))
    assert "BI MAT" not in str(wrong(raw))
    assert "BI MAT" not in caplog.text
