"""The readers that are tried: files that are right to begin with, how they are spoilt, and what a reader may raise."""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from random import Random
from typing import Any, Final

import typst
import xlsxwriter

from config.banks import Bank
from config.catalogue import load
from connectors.banks.statements import formats
from hub.clock import now
from hub.fees.matching import payouts, virtual
from hub.fees.matching.virtual import NotAList
from hub.fees.settlements import answer_files, comparing, desk_files, own_list, package, sheet
from hub.fees.settlements.desk_files import BadFile
from hub.fees.statements import gates, keys, placing
from hub.fees.statements.model import movements
from hub.papers.verify import verify_pdf
from hub.signing import archive, bundle
from hub.signing.archive import NotABundle
from hub.signing.trust import Trust
from schemas import strict
from schemas.payment_reference import PaymentReference
from schemas.settlement import TableAnswer
from schemas.statement import Unreadable
from tests.bank_files import Move, Told, camt, csv_file, mt940, table, xlsx
from tests.catalogue_secrets import CATALOGUE, environment
from tests.fuzz import mutations
from tests.fuzz.mutations import Mutation
from tests.rooms.fees.settling import a_table

DAY: Final = date(2026, 11, 24)
SATURDAY: Final = 5
TODAY: Final = date(2026, 11, 30)


@dataclass(frozen=True)
class Subject:
    """A reader: ``read`` takes a file, or raises one of ``says``; anything else is a finding."""

    seeds: Sequence[bytes]
    ways: Sequence[Mutation]
    read: Callable[[bytes], object]
    says: tuple[type[Exception], ...] = (Unreadable,)

    def try_one(self, random: Random) -> bool:
        """Spoil a file and have it read; whether it was taken all the same."""
        return self.try_file(mutations.spoilt(random.choice(self.seeds), self.ways, random))

    def try_file(self, raw: bytes) -> bool:
        try:
            self.read(raw)
        except self.says:
            return False
        return True


@cache
def banks() -> Mapping[str, Bank]:
    return load(CATALOGUE, environment()).banks


def _told() -> Sequence[Told]:
    moves = [
        Move(50_000, "HC123456789012 nộp phí", ref="FT1", e2e="E1"),
        Move(-1_100, "phí dịch vụ", value=date(2026, 11, 23)),
        Move(30_000, "gộp", details=((10_000, "một"), (20_000, "hai")), ref="FT2"),
        Move(-50_000, "hủy", ref="FT3", reversal=True),
        Move(5, "chờ", standing="PDNG"),
    ]
    plain = [move for move in moves if move.standing == "BOOK" and not move.details]
    account = "1020304050607"
    return [
        Told(moves, 7, DAY, None, account),
        Told(plain, 10**12, DAY, date(2026, 11, 20), account, id="2", sequence=2),
    ]


def _statements(bank: Bank) -> Callable[[bytes], object]:
    def read(raw: bytes) -> None:
        _, found = formats.read(bank, raw)
        for one in found:
            gates.judge(
                one,
                bank.account(one.account),
                value_days=31,
                today=TODAY,
                is_working=lambda day: day.weekday() < SATURDAY,
            )
            placing.told(one)
            texts = [one.account, one.bank_id]
            for line in movements(one):
                keys.content(one.account, line)
                texts += [line.text, line.bank_ref or "", line.e2e or ""]
            storable("".join(texts))

    return read


def storable(text: str) -> None:
    """What PostgreSQL refuses in a text. Raises ValueError."""
    text.encode()
    if "\0" in text:
        raise ValueError("NUL in a text that was taken")


def _camt() -> Subject:
    first, second = _told()
    seeds = [
        *(camt(first, second, kind=kind) for kind in ("Stmt", "Rpt", "Ntfctn")),
        camt(second, ns=None),
        camt(second, encoding="UTF-16"),
        camt(second, ns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"),
    ]
    ways = (
        mutations.some_elements,
        mutations.some_elements,
        mutations.some_words,
        mutations.some_bytes,
        mutations.another_encoding,
    )
    return Subject(seeds, ways, _statements(banks()["bank-a"]))


def _mt940() -> Subject:
    first, second = _told()
    interim = (
        b":20:S\n:25:1020304050607\n:28C:1/1\n:34F:VND0,\n:13D:2611241200+0700\n"
        b":61:261124C5,NTRFX//FT9\n:86:x\n:90C:1VND5,\n-\n"
    )
    structured = mt940(second).replace(b":86:", b":86:123?20ab?21cd?32ef\n?60", 1)
    pages = mt940(second).replace(b":62F:", b":62M:").replace(b"/1\n", b"/1\n")
    ways = (
        mutations.some_lines,
        mutations.some_words,
        mutations.some_words,
        mutations.some_bytes,
        mutations.another_encoding,
    )
    return Subject([mt940(first, second), interim, structured, pages], ways, _statements(banks()["bank-a"]))


TEXTUAL: Final = (
    mutations.some_lines,
    mutations.some_words,
    mutations.some_words,
    mutations.some_bytes,
    mutations.another_encoding,
)


def _csv(bank: str) -> Subject:
    _, second = _told()
    signed = (
        'Date,Amount,D/C,Balance,Currency,Description,Payer\n2026-11-24,50,C,"1,050",VND,b,A\n'
        '2026-11-23,30,D,"1,000",VND,a,B\nClosing balance,"1,050"\n'
    )
    seeds = {"bank-a": [csv_file(table(second)), csv_file(table(second, total=False))], "bank-b": [signed.encode()]}
    return Subject(seeds[bank], TEXTUAL, _statements(banks()[bank]))


IN_A_WORKBOOK: Final = (
    mutations.in_a_member(
        (mutations.some_elements, mutations.some_elements, mutations.some_words, mutations.some_bytes)
    ),
    mutations.in_a_member((mutations.some_elements,)),
    mutations.some_bytes,
)


def _xlsx() -> Subject:
    _, second = _told()
    rows: list[list[Any]] = [list(row) for row in table(second, thousands=",")]
    rows[5] = [DAY, *rows[5][1:3], 50_000, 10**12 + 50_000.0, "x"]
    return Subject([xlsx(table(second, thousands=",")), xlsx(rows)], IN_A_WORKBOOK, _statements(banks()["bank-a"]))


def _answer(ending: str) -> Callable[[bytes], object]:
    made = a_table()
    numbers = frozenset(line.number for line in made.lines)
    ours = desk_files.read(sheet.written(made, "ab" * 32, "Trung tâm"), ".xlsx")

    def read(raw: bytes) -> None:
        sheets = desk_files.read(raw, ending)
        named = answer_files.named(sheets)
        named.check_digest("ab" * 32)
        if named.is_ours:
            answer_files.check_untouched(sheets, ours)
        for line in answer_files.disputed(sheets, numbers):
            storable(line.reason)

    return read


def _answer_csv() -> Subject:
    seeds = [
        answer_files.as_csv("sm_01M8P9870NHGG5H3Q5AJZJT5GC", "ab" * 32, {1: "sai số", 2: "thiếu"}),
        b"S\xe1\xbb\x91 d\xc3\xb2ng,L\xc3\xbd do\n1,x\n",
    ]
    return Subject(seeds, TEXTUAL, _answer(".csv"), (BadFile,))


def _answer_xlsx() -> Subject:
    kept = io.BytesIO()
    with xlsxwriter.Workbook(kept) as book:
        page = book.add_worksheet("Trả lời")
        page.write_row(0, 0, ["Số dòng", "Lý do"])
        page.write_row(1, 0, [1, "sai số"])
    return Subject(
        [sheet.written(a_table(), "ab" * 32, "Trung tâm"), kept.getvalue()], IN_A_WORKBOOK, _answer(".xlsx"), (BadFile,)
    )


def _own_list(ending: str) -> Subject:
    rows: list[list[Any]] = [
        ["Mã thanh toán", "Số biên lai", "Ký hiệu", "Số tiền"],
        ["HC001234567890", 17, "01/A", 150_000],
        ["Cộng", "", "", "150.000"],
    ]
    text = "\n".join(";".join(map(str, row)) for row in rows).encode()
    lines = [comparing.Line(1, 150_000, "HC001234567890", "d/phi", ["01/A 17"]), comparing.Line(2, 5, None, None, [])]

    def read(raw: bytes) -> None:
        comparing.compared(lines, own_list.read(desk_files.read(raw, ending)))

    if ending == ".csv":
        return Subject(
            [text, text.replace(b"HC001234567890;", b";").replace(b"M\xc3\xa3 thanh to\xc3\xa1n", b"x")],
            TEXTUAL,
            read,
            (BadFile,),
        )
    return Subject([xlsx(rows)], IN_A_WORKBOOK, read, (BadFile,))


def _json() -> tuple[Mutation, ...]:
    return (
        mutations.some_values,
        mutations.some_values,
        mutations.some_words,
        mutations.some_bytes,
        mutations.another_encoding,
    )


def _answer_json() -> Subject:
    seed = (
        b'{"answer_id":"a1","settlement_id":"sm_1","sha256":"' + b"ab" * 32 + b'","verdict":"disputed","lines":'
        b'[{"number":1,"reason":"sai"}],"answered_by":"Van phong","answered_at":"2026-11-24T10:00:00+07:00"}'
    )
    return Subject([seed], _json(), lambda raw: strict.read(TableAnswer, raw), (strict.Refused,))


def _payout() -> Subject:
    seed = (
        b'{"provider":"momo","report":"PO-20261124","account":"1020304050607","day":"2026-11-24","items":'
        b'[{"provider_txn":"T1","amount":150000,"charge":1100},{"provider_txn":"T2","amount":5}]}'
    )

    def read(raw: bytes) -> None:
        report = strict.read(payouts.Report, raw)
        storable(report.provider + report.account)
        assert abs(report.net) < 2**63

    return Subject([seed], _json(), read, (strict.Refused,))


def _virtual() -> Subject:
    reference = str(PaymentReference.issued("HC", 1))
    seed = f"number,reference\n9704000000001,{reference}\n\n9704 0000 00002,{reference.lower()}\n".encode()
    return Subject([seed], TEXTUAL, virtual.read, (NotAList,))


def _bundle() -> Subject:
    act = bundle.Act("handoff", b"{}", b"\0" * 32, (b"a", b"b"), b"proof", b"{}", b"s", b"t")
    whole = bundle.Bundle((act, act), (b"pem",), (b"crl",)).write()
    names = ("package.json", "table.json", "table.p7s", "table.xlsx", "receipts.json", "book.json", "book.p7s")
    proof = ("01-settlement/proof.txt", "01-settlement/checkpoint.json", "01-settlement/checkpoint.p7s")
    files = dict.fromkeys((*names, *proof), b"{}")
    packed = archive.pack({**files, "SHA256SUMS": bundle.sums_of(files)})

    def read(raw: bytes) -> None:
        for one in (bundle.read, package.read):
            try:
                one(raw)
            except NotABundle:
                continue

    return Subject([whole, packed], (_member, mutations.some_bytes), read, ())


def _member(raw: bytes, random: Random) -> bytes:
    """A member spoilt, and packed as the hub packs."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            files = {name: packed.read(name) for name in packed.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, EOFError):
        return mutations.some_bytes(raw, random)
    if not files:
        return raw
    name = random.choice(sorted(files))
    content = mutations.spoilt(files.pop(name), (mutations.some_bytes, mutations.some_words), random)
    files[random.choice((name, name, "crls/02.crl", "03-receipt/record.json", "README.txt"))] = content
    return archive.pack(files)


def _pdf() -> Subject:
    page = b'#pdf.attach("a.json", bytes("{}"), mime-type: "application/json", description: "x")\nM\xe1\xbb\x99t trang'
    seed = typst.compile(page, format="pdf", pdf_standards="a-3b", timestamp=0)
    return Subject(
        [seed],
        (mutations.some_words, mutations.some_bytes, mutations.some_lines),
        lambda raw: verify_pdf(raw, Trust(roots=()), now()),
        (),
    )


SUBJECTS: Final[Mapping[str, Callable[[], Subject]]] = {
    "camt": _camt,
    "mt940": _mt940,
    "csv": lambda: _csv("bank-a"),
    "csv-signed": lambda: _csv("bank-b"),
    "xlsx": _xlsx,
    "answer-json": _answer_json,
    "answer-csv": _answer_csv,
    "answer-xlsx": _answer_xlsx,
    "own-list-csv": lambda: _own_list(".csv"),
    "own-list-xlsx": lambda: _own_list(".xlsx"),
    "payout": _payout,
    "virtual-accounts": _virtual,
    "bundle": _bundle,
    "pdf": _pdf,
}
