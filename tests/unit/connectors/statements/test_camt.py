"""camt.053, 052 and 054: what is read of them, and what keeps a whole file from being read."""

from collections.abc import Callable
from pathlib import Path

import pytest

from config.banks import Bank
from connectors.banks.statements import formats
from schemas.statement import EntryKind, EntryStatus, Statement, StatementCode, UnreadableFile
from tests.bank_files import CAMT_08, StatementDraft, StatementMovement, ago, camt

Reading = Callable[[bytes], list[Statement]]
Wrong = Callable[[bytes], UnreadableFile]
OLD = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.{:02}"


def test_a_statement_is_read_with_all_that_it_says(read: Reading) -> None:
    move = StatementMovement(50_000, "HC123456789012 nộp phí", ref="FT1", e2e="E1", value=ago(2))
    [statement] = read(camt(StatementDraft([move, StatementMovement(-1_000)], opening=100_000, id="S9", sequence=9)))
    assert (statement.kind, statement.account, statement.bank_id, statement.sequence) == (
        EntryKind.STATEMENT,
        "1020304050607",
        "S9",
        9,
    )
    assert (statement.opening, statement.closing, statement.currency) == (100_000, 149_000, "VND")
    assert (statement.from_date, statement.to_date) == (ago(1), ago(1))
    first, second = statement.entries
    assert (first.amount, first.bank_ref, first.e2e, first.text) == (50_000, "FT1", "E1", "HC123456789012 nộp phí")
    assert (first.booking_date, first.value_date, first.standing) == (ago(1), ago(2), EntryStatus.BOOK)
    assert (second.amount, second.bank_ref, second.e2e) == (-1_000, None, None)


@pytest.mark.parametrize("version", range(2, 14))
def test_every_version_is_read(read: Reading, version: int) -> None:
    raw = camt(StatementDraft([StatementMovement(5)]), ns=OLD.format(version))
    if version < 8:  # until then the status stood without an element of its own
        raw = raw.replace(b"<Sts><Cd>BOOK</Cd></Sts>", b"<Sts>BOOK</Sts>")
    assert read(raw)[0].entries[0].amount == 5


@pytest.mark.parametrize(("kind", "means"), [("Rpt", EntryKind.INTERIM), ("Ntfctn", EntryKind.NOTICE)])
def test_what_is_no_statement_says_so(read: Reading, kind: str, means: EntryKind) -> None:
    ns = OLD.format(8).replace("053", {"Rpt": "052", "Ntfctn": "054"}[kind])
    [statement] = read(camt(StatementDraft([StatementMovement(5)]), ns=ns, kind=kind))
    assert (statement.kind, statement.opening, statement.closing) == (means, None, None)


def test_neither_a_namespace_nor_an_envelope_matters(read: Reading) -> None:
    bare = camt(StatementDraft([StatementMovement(5)]), ns=None)
    _, _, inside = camt(StatementDraft([StatementMovement(5)])).partition(b"?>")
    envelope = b'<BizMsgEnvlp xmlns="urn:x"><AppHdr><Fr/></AppHdr>' + inside + b"</BizMsgEnvlp>"
    assert (
        read(bare)[0].entries
        == read(envelope)[0].entries
        == read(camt(StatementDraft([StatementMovement(5)])))[0].entries
    )


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "ISO-8859-1", "windows-1258"])
def test_the_encoding_that_the_document_names_is_read(read: Reading, encoding: str) -> None:
    assert read(camt(StatementDraft([StatementMovement(5, "café")]), encoding=encoding))[0].entries[0].text == "café"


def test_a_byte_order_mark_is_no_text(read: Reading) -> None:
    assert read(b"\xef\xbb\xbf" + camt(StatementDraft([StatementMovement(5)])))[0].entries[0].amount == 5


def test_bytes_that_are_not_in_the_encoding_that_is_named_are_refused_by_its_name(wrong: Wrong) -> None:
    broken = camt(StatementDraft([StatementMovement(5, "caf\xe9")]), encoding="ISO-8859-1").replace(
        b"ISO-8859-1", b"UTF-8"
    )
    assert wrong(broken).code is StatementCode.UNPARSABLE
    assert "encoding" in wrong(broken).sentence


@pytest.mark.parametrize("ns", ["urn:iso:std:iso:20022:tech:xsd:pain.001.001.09", "urn:anything"])
def test_another_message_is_refused(wrong: Wrong, ns: str) -> None:
    assert wrong(camt(StatementDraft([StatementMovement(5)]), ns=ns)).code is StatementCode.UNPARSABLE


BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize("doctype", [BOMB, "<!DOCTYPE Document>", '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd">'])
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16"])
def test_a_doctype_is_refused_before_anything_is_parsed(wrong: Wrong, doctype: str, encoding: str) -> None:
    text = (
        camt(StatementDraft([StatementMovement(5)]))
        .decode()
        .replace("UTF-8", encoding)
        .replace("<Document", doctype + "<Document", 1)
    )
    assert "DOCTYPE" in wrong(text.encode(encoding)).sentence


def test_a_file_of_this_machine_is_never_read_into_a_text(wrong: Wrong, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from this machine")
    external = f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{tmp_path}/secret">]>'
    padding = f"<!--{'x' * 70_000}-->"  # further on than is looked at before the parser
    text = camt(StatementDraft([StatementMovement(5, "TEXT")])).decode().replace("TEXT", "&x;")
    why = wrong(text.replace("<Document", padding + external + "<Document", 1).encode())
    assert "DOCTYPE" in why.sentence
    assert "this machine" not in str(why)


def test_a_pending_entry_is_pending_and_one_that_takes_back_says_so(read: Reading) -> None:
    [statement] = read(
        camt(StatementDraft([StatementMovement(5, standing="PDNG"), StatementMovement(-7, reversal=True)]))
    )
    assert [(one.standing, one.reversal, one.amount) for one in statement.entries] == [
        (EntryStatus.PDNG, False, 5),
        (EntryStatus.BOOK, True, -7),
    ]


def test_a_returned_transfer_takes_back_too(read: Reading) -> None:
    raw = camt(StatementDraft([StatementMovement(-7)])).replace(
        b"<RmtInf>", b"<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf><RmtInf>"
    )
    assert read(raw)[0].entries[0].reversal


def test_details_with_amounts_are_kept_apart_and_without_are_one_line(read: Reading) -> None:
    priced = StatementMovement(30, details=((10, "A"), (20, "B")))
    plain = StatementMovement(30, details=((None, "A"), (None, "B")))
    first, second = read(camt(StatementDraft([priced, plain])))[0].entries
    assert [(one.amount, one.text) for one in first.details] == [(10, "A"), (20, "B")]
    assert (second.details, second.text) == ((), "A B")


def test_details_of_which_some_have_no_amount_are_refused(wrong: Wrong) -> None:
    assert "some" in wrong(camt(StatementDraft([StatementMovement(30, details=((10, "A"), (None, "B")))]))).sentence


def test_totals_of_the_file_are_read(read: Reading) -> None:
    summary = (
        b"<TxsSummry><TtlNtries><NbOfNtries>2</NbOfNtries><TtlNetNtry><Amt>3</Amt><CdtDbtInd>DBIT</CdtDbtInd>"
        b"</TtlNetNtry></TtlNtries><TtlCdtNtries><NbOfNtries>1</NbOfNtries><Sum>4</Sum></TtlCdtNtries></TxsSummry>"
    )
    raw = camt(StatementDraft([StatementMovement(4), StatementMovement(-7)])).replace(b"<Ntry>", summary + b"<Ntry>", 1)
    totals = read(raw)[0].totals
    assert (totals.entries, totals.net, totals.credits, totals.credit_sum, totals.debits) == (2, -3, 1, 4, None)


def test_several_statements_and_one_without_entries_are_read(read: Reading) -> None:
    statements = read(
        camt(
            StatementDraft([StatementMovement(5)]),
            StatementDraft([], opening=7, account="7060504030201", id="2"),
            StatementDraft([StatementMovement(1)], id="3"),
        )
    )
    assert [(one.bank_id, len(one.entries), one.closing) for one in statements] == [
        ("1", 1, 5),
        ("2", 0, 7),
        ("3", 1, 1),
    ]


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (b">50000<", b">50000.5<", StatementCode.UNPARSABLE),
        (b">50000<", b">66.0000000000001<", StatementCode.UNPARSABLE),
        (b">50000<", b">50,000<", StatementCode.UNPARSABLE),
        (b">50000<", b">-50000<", StatementCode.UNPARSABLE),
        (b">50000<", b">NaN<", StatementCode.UNPARSABLE),
        (b">50000<", b"><", StatementCode.UNPARSABLE),
        (b'<Amt Ccy="VND">50000', b'<Amt Ccy="USD">50000', StatementCode.WRONG_CURRENCY),
        (b"<CdtDbtInd>CRDT</CdtDbtInd><Sts>", b"<CdtDbtInd>BOTH</CdtDbtInd><Sts>", StatementCode.UNPARSABLE),
        (b"<Cd>BOOK</Cd>", b"<Cd>INFO</Cd>", StatementCode.UNPARSABLE),
        (b"<BookgDt>", b"<X>", StatementCode.UNPARSABLE),
        (b"<BookgDt><Dt>2", b"<BookgDt><Dt>x", StatementCode.UNPARSABLE),
    ],
)
def test_an_entry_that_is_not_what_the_format_has_refuses_the_file(
    wrong: Wrong, before: bytes, after: bytes, code: StatementCode
) -> None:
    raw = camt(StatementDraft([StatementMovement(1), StatementMovement(50_000), StatementMovement(2)]), ns=CAMT_08)
    entries = raw.partition(b"<Ntry>")
    spoilt = entries[0] + entries[1] + entries[2].replace(before, after)
    if after == b"<X>":
        spoilt = spoilt.replace(b"</BookgDt>", b"</X>")
    why = wrong(spoilt)
    assert why.code is code
    assert why.line


def test_the_thirtieth_of_february_is_no_day_and_its_line_is_named(wrong: Wrong) -> None:
    raw = camt(StatementDraft([StatementMovement(1), StatementMovement(2, value=ago(1))])).replace(
        f"<ValDt><Dt>{ago(1)}".encode(), b"<ValDt><Dt>2026-02-30"
    )
    assert (wrong(raw).code, wrong(raw).line) == (StatementCode.UNPARSABLE, 5)


def test_an_integral_amount_may_be_written_with_zeros_behind_its_point(read: Reading) -> None:
    assert (
        read(camt(StatementDraft([StatementMovement(50_000)])).replace(b">50000<", b">50000.00<"))[0].entries[0].amount
        == 50_000
    )


def test_a_balance_behind_the_entries_is_not_overlooked(wrong: Wrong) -> None:
    raw = camt(StatementDraft([StatementMovement(1)])).replace(
        b"</Ntry></Stmt>", b'</Ntry><Bal><Amt Ccy="VND">1</Amt></Bal></Stmt>'
    )
    assert "behind" in wrong(raw).sentence


def detailed(details: str, *, booked: int = 148_900) -> bytes:
    """A statement of one entry that was booked with ``booked``, made of ``details``."""
    raw = camt(StatementDraft([StatementMovement(booked)], opening=1_000_000))
    _, _, rest = raw.partition(b"<NtryDtls>")
    before, _, _ = raw.partition(b"<NtryDtls>")
    _, _, behind = rest.partition(b"</NtryDtls>")
    return before + f"<NtryDtls>{details}</NtryDtls>".encode() + behind


def paid(amount: int, *charges: tuple[int, str], currency: str = "VND", more: str = "") -> str:
    records = "".join(
        f'<Rcrd><Amt Ccy="VND">{charge}</Amt><CdtDbtInd>{way}</CdtDbtInd></Rcrd>' for charge, way in charges
    )
    charged = f"<Chrgs>{records}</Chrgs>" if charges else ""
    return f'<TxDtls><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>{more}{charged}</TxDtls>'


def test_a_charge_beside_a_detail_is_what_its_entry_is_short_of(read: Reading) -> None:
    [statement] = read(detailed(paid(150_000, (1_100, "DBIT"))))
    assert ([entry.amount for entry in statement.entries], statement.entries[0].details) == ([148_900], ())
    [statement] = read(detailed(paid(100_000, (1_000, "DBIT")) + paid(50_000, (200, "DBIT"), (100, "CRDT"))))
    assert [detail.amount for detail in statement.entries[0].details] == [99_000, 49_900]


def test_a_charge_that_does_not_explain_the_difference_leaves_it_standing(read: Reading) -> None:
    [statement] = read(detailed(paid(150_000, (1_101, "DBIT"))))
    assert sum(detail.amount for detail in statement.entries[0].details) != statement.entries[0].amount


def test_a_charge_of_the_entry_itself_counts_as_well(read: Reading) -> None:
    charge = b'<Chrgs><Rcrd><Amt Ccy="VND">1100</Amt><CdtDbtInd>DBIT</CdtDbtInd></Rcrd></Chrgs><NtryDtls>'
    [statement] = read(detailed(paid(150_000)).replace(b"<NtryDtls>", charge))
    assert (statement.entries[0].amount, statement.entries[0].details) == (148_900, ())


@pytest.mark.parametrize("more", ["", '<AmtDtls><TxAmt><Amt Ccy="VND">148900</Amt></TxAmt></AmtDtls>'])
def test_what_a_detail_was_in_another_currency_does_not_refuse_its_entry(read: Reading, more: str) -> None:
    [statement] = read(detailed(paid(6, currency="USD", more=more)))
    assert (statement.entries[0].amount, statement.entries[0].details) == (148_900, ())


def test_an_amount_of_the_account_s_own_currency_is_looked_for_in_every_detail(read: Reading) -> None:
    own = '<AmtDtls><TxAmt><Amt Ccy="VND">{}</Amt></TxAmt></AmtDtls>'
    both = paid(4, currency="USD", more=own.format(100_000)) + paid(2, currency="USD", more=own.format(48_900))
    [statement] = read(detailed(both))
    assert [detail.amount for detail in statement.entries[0].details] == [100_000, 48_900]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"<html><body><table><tr><td>SAO K\xc3\x8a</td></tr></table></body></html>", "HTML"),
        (b"\xef\xbb\xbf<!DOCTYPE html>\n<html>", "HTML"),
        ("<HTML >".encode("utf-16"), "HTML"),
        (b"MIME-Version: 1.0\nX-Document-Type: Workbook", "MHTML"),
        (b'<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n<Workbook>', "Excel 2003"),
        (b"%PDF-1.7", "PDF"),
        (b'{"data": []}', "JSON"),
        (b"[{}]", "JSON"),
    ],
)
def test_what_only_its_name_calls_a_table_is_called_what_it_is(wrong: Wrong, raw: bytes, says: str) -> None:
    assert says in wrong(raw).sentence


def test_one_page_of_several_is_not_whole(read: Reading) -> None:
    page = b"</Id><StmtPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></StmtPgntn><CreDtTm>"
    assert not read(camt(StatementDraft([StatementMovement(1)])).replace(b"</Id><CreDtTm>", page))[0].whole


def test_a_bank_without_this_format_does_not_get_it_read(other: Bank) -> None:
    with pytest.raises(UnreadableFile, match="has no"):
        formats.read(other, camt(StatementDraft([StatementMovement(1)])))


def test_an_entry_outside_of_every_statement_is_refused_with_its_line(wrong: Wrong) -> None:
    raw = (
        camt(StatementDraft([StatementMovement(1)]))
        .replace(b"<Stmt>", b"<Page><Stmt>")
        .replace(b"</Stmt>", b"</Stmt></Page>")
    )
    assert wrong(raw.replace(b"</Stmt></Page>", b"</Stmt><Ntry/></Page>")).line
    assert "outside" in wrong(raw.replace(b"<Stmt>", b"<Stm>").replace(b"</Stmt>", b"</Stm>")).sentence
