"""What banks send: statements in every format, as far as they are judged in themselves."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, Final

from config.banks import Bank
from config.catalogue import load
from connectors.banks.statements import formats
from hub.fees.reconciliation.statements import gates, lines, placing
from hub.fees.reconciliation.statements.model import movements
from tests.bank_files import StatementDraft, StatementMovement, camt, csv_file, mt940, table, xlsx
from tests.catalogue_secrets import CATALOGUE, environment
from tests.fuzz import mutations
from tests.fuzz.subject import IN_A_WORKBOOK, TEXTUAL, FuzzSubject, storable

DAY: Final = date(2026, 11, 24)
SATURDAY: Final = 5
TODAY: Final = date(2026, 11, 30)


@cache
def _banks() -> Mapping[str, Bank]:
    return load(CATALOGUE, environment()).banks


def _drafts() -> Sequence[StatementDraft]:
    moves = [
        StatementMovement(50_000, "HC123456789012 nộp phí", ref="FT1", e2e="E1"),
        StatementMovement(-1_100, "phí dịch vụ", value=date(2026, 11, 23)),
        StatementMovement(30_000, "gộp", details=((10_000, "một"), (20_000, "hai")), ref="FT2"),
        StatementMovement(-50_000, "hủy", ref="FT3", reversal=True),
        StatementMovement(5, "chờ", standing="PDNG"),
    ]
    plain = [move for move in moves if move.standing == "BOOK" and not move.details]
    account = "1020304050607"
    return [
        StatementDraft(moves, 7, DAY, None, account),
        StatementDraft(plain, 10**12, DAY, date(2026, 11, 20), account, id="2", sequence=2),
    ]


def _statements(bank: Bank) -> Callable[[bytes], object]:
    def read(raw: bytes) -> None:
        _, statements = formats.read(bank, raw)
        for one in statements:
            gates.judge(
                one,
                bank.account(one.account),
                value_days=31,
                today=TODAY,
                is_working=lambda day: day.weekday() < SATURDAY,
            )
            placing.statement_summary(one)
            texts = [one.account, one.bank_id]
            for line in movements(one):
                lines.content(one.account, line)
                texts += [line.text, line.bank_ref or "", line.e2e or ""]
            storable("".join(texts))

    return read


def camt_files() -> FuzzSubject:
    first, second = _drafts()
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
    return FuzzSubject(seeds, ways, _statements(_banks()["bank-a"]))


def mt940_files() -> FuzzSubject:
    first, second = _drafts()
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
    return FuzzSubject([mt940(first, second), interim, structured, pages], ways, _statements(_banks()["bank-a"]))


def csv_files(bank: str) -> FuzzSubject:
    _, second = _drafts()
    signed = (
        'Date,Amount,D/C,Balance,Currency,Description,Payer\n2026-11-24,50,C,"1,050",VND,b,A\n'
        '2026-11-23,30,D,"1,000",VND,a,B\nClosing balance,"1,050"\n'
    )
    seeds = {"bank-a": [csv_file(table(second)), csv_file(table(second, total=False))], "bank-b": [signed.encode()]}
    return FuzzSubject(seeds[bank], TEXTUAL, _statements(_banks()[bank]))


def xlsx_files() -> FuzzSubject:
    _, second = _drafts()
    rows: list[list[Any]] = [list(row) for row in table(second, thousands=",")]
    rows[5] = [DAY, *rows[5][1:3], 50_000, 10**12 + 50_000.0, "x"]
    return FuzzSubject([xlsx(table(second, thousands=",")), xlsx(rows)], IN_A_WORKBOOK, _statements(_banks()["bank-a"]))
