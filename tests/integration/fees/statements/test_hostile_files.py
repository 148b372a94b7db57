"""Whatever a bank lays out: the file is kept and shown as unreadable, and the one after it is read."""

import io
import zipfile

import pytest

from hub import polling
from schemas.statement import DeliveredFile, StatementPage
from tests.bank_files import StatementDraft, StatementMovement, ago, camt, csv_file, mt940, table, xlsx
from tests.integration.fees.statements.conftest import StatementImports

TOLD = StatementDraft([StatementMovement(50_000, "phí")], day=ago(5))
SHEET = "xl/worksheets/sheet1.xml"


def with_cell(cell: bytes) -> bytes:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(xlsx(table(TOLD, thousands=",")))) as package,
        zipfile.ZipFile(buffer, "w") as again,
    ):
        for name in package.namelist():
            content = package.read(name).replace(b"</sheetData>", b"<row>" + cell + b"</row></sheetData>")
            again.writestr(name, content)
    return buffer.getvalue()


def damaged() -> bytes:
    raw = bytearray(xlsx(table(TOLD, thousands=",")))
    with zipfile.ZipFile(io.BytesIO(raw)) as package:
        start = package.getinfo(SHEET).header_offset + 30 + len(SHEET)
    raw[start : start + 40] = bytes(byte ^ 0xA5 for byte in raw[start : start + 40])
    return bytes(raw)


def dated(day: str) -> bytes:
    return camt(TOLD).replace(f"{ago(5)}".encode(), day.encode())


FILES = {
    "a cell far away": with_cell(b'<c r="XFD100000"><v>1</v></c>'),
    "a formula": with_cell(b'<c r="C99"><f\n>1+1</f><v>5</v></c>'),
    "a damaged part": damaged(),
    "an entry outside": camt(TOLD).replace(b"<Stmt>", b"<Page>").replace(b"</Stmt>", b"</Page>"),
    "year 1": dated("0001-01-01"),
    "year 1 by a moment": dated("0001-01-01").replace(
        b"<Dt><Dt>0001-01-01</Dt>", b"<Dt><DtTm>0001-01-01T00:00:00Z</DtTm>"
    ),
    "year 9999": dated("9999-12-31"),
    "year 2099": dated("2099-11-24"),
    "a table of 2099": csv_file(table(TOLD)).replace(f"{ago(5):%d/%m/%Y}".encode(), b"24/11/2099"),
    "a message of 2099": mt940(TOLD).replace(f"{ago(5):%y%m%d}".encode(), b"991124"),
    "nothing": b"\n",
}


@pytest.mark.parametrize("raw", FILES.values(), ids=FILES)
def test_it_is_kept_and_shown_and_stops_nobody(imports: StatementImports, raw: bytes) -> None:
    hub = imports.hub
    files = [DeliveredFile("01.bin", raw), DeliveredFile("02.xml", camt(TOLD))]
    hub.bank("bank-a").pages.append(StatementPage(files, "2"))
    polling.poll(hub)
    hub.carry()
    assert hub.rows("SELECT name, state FROM statement_file ORDER BY id") == [
        {"name": "01.bin", "state": "quarantined"},
        {"name": "02.xml", "state": "accepted"},
    ]
    [case] = hub.rows("SELECT code, facts FROM fee_exception WHERE object_type = 'statement_file'")
    [finding] = case["facts"]["findings"]
    assert (case["code"], finding["sentence"].startswith("our reader fails")) == ("S05", False)
    assert hub.rows("SELECT id FROM inbox WHERE settled_at IS NULL") == []
    assert imports.amounts == [50_000]
