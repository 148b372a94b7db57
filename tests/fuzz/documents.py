"""What departments, gateways and persons hand in as files: answers, lists, payout reports, bundles, printed forms."""

import io
from collections.abc import Callable
from random import Random
from typing import Any

import typst
import xlsxwriter

from hub.clock import now
from hub.fees.reconciliation.matching import gateway_payouts, virtual
from hub.fees.reconciliation.matching.virtual import NotAList
from hub.fees.settlements import answer_files, department_files, own_list, package, sheet
from hub.fees.settlements.department_files import BadFile
from hub.papers.verify import verify_pdf
from hub.signing import archive, bundle
from hub.signing.archive import NotABundle
from hub.signing.trust import Trust
from schemas import strict
from schemas.payment_reference import PaymentReference
from schemas.settlement import TableAnswer
from tests.bank_files import xlsx
from tests.fuzz import mutations
from tests.fuzz.mutations import Mutation
from tests.fuzz.subject import IN_A_WORKBOOK, TEXTUAL, FuzzSubject, storable
from tests.integration.fees.settling import a_table


def _answer(ending: str) -> Callable[[bytes], object]:
    settlement_table = a_table()
    numbers = frozenset(line.number for line in settlement_table.lines)
    ours = department_files.read(sheet.written(settlement_table, "ab" * 32, "Trung tâm"), ".xlsx")

    def read(raw: bytes) -> None:
        sheets = department_files.read(raw, ending)
        named = answer_files.named(sheets)
        named.check_digest("ab" * 32)
        if named.is_ours:
            answer_files.check_untouched(sheets, ours)
        for line in answer_files.disputed(sheets, numbers):
            storable(line.reason)

    return read


def answer_csv_files() -> FuzzSubject:
    seeds = [
        answer_files.as_csv("sm_01M8P9870NHGG5H3Q5AJZJT5GC", "ab" * 32, {1: "sai số", 2: "thiếu"}),
        b"S\xe1\xbb\x91 d\xc3\xb2ng,L\xc3\xbd do\n1,x\n",
    ]
    return FuzzSubject(seeds, TEXTUAL, _answer(".csv"), (BadFile,))


def answer_xlsx_files() -> FuzzSubject:
    workbook = io.BytesIO()
    with xlsxwriter.Workbook(workbook) as book:
        page = book.add_worksheet("Trả lời")
        page.write_row(0, 0, ["Số dòng", "Lý do"])
        page.write_row(1, 0, [1, "sai số"])
    return FuzzSubject(
        [sheet.written(a_table(), "ab" * 32, "Trung tâm"), workbook.getvalue()],
        IN_A_WORKBOOK,
        _answer(".xlsx"),
        (BadFile,),
    )


def own_list_files(ending: str) -> FuzzSubject:
    rows: list[list[Any]] = [
        ["Mã thanh toán", "Số biên lai", "Ký hiệu", "Số tiền"],
        ["HC001234567890", 17, "01/A", 150_000],
        ["Cộng", "", "", "150.000"],
    ]
    text = "\n".join(";".join(map(str, row)) for row in rows).encode()
    lines = [
        own_list.TableReceiptLine(1, 150_000, "HC001234567890", "d/phi", ["01/A 17"]),
        own_list.TableReceiptLine(2, 5, None, None, []),
    ]

    def read(raw: bytes) -> None:
        own_list.compared(lines, own_list.read(department_files.read(raw, ending)))

    if ending == ".csv":
        return FuzzSubject(
            [text, text.replace(b"HC001234567890;", b";").replace(b"M\xc3\xa3 thanh to\xc3\xa1n", b"x")],
            TEXTUAL,
            read,
            (BadFile,),
        )
    return FuzzSubject([xlsx(rows)], IN_A_WORKBOOK, read, (BadFile,))


def _json() -> tuple[Mutation, ...]:
    return (
        mutations.some_values,
        mutations.some_values,
        mutations.some_words,
        mutations.some_bytes,
        mutations.another_encoding,
    )


def answer_json_files() -> FuzzSubject:
    seed = (
        b'{"answer_id":"a1","settlement_id":"sm_1","sha256":"' + b"ab" * 32 + b'","verdict":"disputed","lines":'
        b'[{"number":1,"reason":"sai"}],"answered_by":"Van phong","answered_at":"2026-11-24T10:00:00+07:00"}'
    )
    return FuzzSubject([seed], _json(), lambda raw: strict.read(TableAnswer, raw), (strict.Refused,))


def payout_files() -> FuzzSubject:
    seed = (
        b'{"provider":"momo","report":"PO-20261124","account":"1020304050607","day":"2026-11-24","items":'
        b'[{"provider_txn":"T1","amount":150000,"charge":1100},{"provider_txn":"T2","amount":5}]}'
    )

    def read(raw: bytes) -> None:
        report = strict.read(gateway_payouts.PayoutReport, raw)
        storable(report.provider + report.account)
        assert abs(report.net) < 2**63

    return FuzzSubject([seed], _json(), read, (strict.Refused,))


def virtual_files() -> FuzzSubject:
    reference = str(PaymentReference.issued("HC", 1))
    seed = f"number,reference\n9704000000001,{reference}\n\n9704 0000 00002,{reference.lower()}\n".encode()
    return FuzzSubject([seed], TEXTUAL, virtual.read, (NotAList,))


def bundle_files() -> FuzzSubject:
    act = bundle.BundledRecord("handoff", b"{}", b"\0" * 32, (b"a", b"b"), b"proof", b"{}", b"s", b"t")
    whole = bundle.Bundle((act, act), (b"pem",), (b"crl",)).write()
    names = (
        "package.json",
        "01-settlement/record.json",
        "01-settlement/record.p7s",
        "table.xlsx",
        "receipts.json",
        "book.json",
        "book.p7s",
    )
    proof = ("01-settlement/proof.txt", "01-settlement/checkpoint.json", "01-settlement/checkpoint.p7s")
    files = dict.fromkeys((*names, *proof), b"{}")
    packed = archive.pack({**files, "SHA256SUMS": bundle.sums_of(files)})

    def read(raw: bytes) -> None:
        for one in (bundle.read, package.read):
            try:
                one(raw)
            except NotABundle:
                continue

    return FuzzSubject([whole, packed], (_member, mutations.some_bytes), read, ())


def _member(raw: bytes, random: Random) -> bytes:
    """A member spoilt, and packed as the hub packs."""
    files = dict(mutations.members_of(raw))
    if not files:
        return mutations.some_bytes(raw, random)
    name = random.choice(sorted(files))
    content = mutations.spoilt(files.pop(name), (mutations.some_bytes, mutations.some_words), random)
    files[random.choice((name, name, "crls/02.crl", "03-receipt/record.json", "README.txt"))] = content
    return archive.pack(files)


def pdf_files() -> FuzzSubject:
    page = b'#pdf.attach("a.json", bytes("{}"), mime-type: "application/json", description: "x")\nM\xe1\xbb\x99t trang'
    seed = typst.compile(page, format="pdf", pdf_standards="a-3b", timestamp=0)
    return FuzzSubject(
        [seed],
        (mutations.some_words, mutations.some_bytes, mutations.some_lines),
        lambda raw: verify_pdf(raw, Trust(roots=()), now()),
        (),
    )
