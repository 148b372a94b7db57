"""The readers that are tried, by name."""

from collections.abc import Callable, Mapping
from typing import Final

from tests.fuzz import banks, desks, replies
from tests.fuzz.subject import FuzzSubject

SUBJECTS: Final[Mapping[str, Callable[[], FuzzSubject]]] = {
    "camt": banks.camt_files,
    "mt940": banks.mt940_files,
    "csv": lambda: banks.csv_files("bank-a"),
    "csv-signed": lambda: banks.csv_files("bank-b"),
    "xlsx": banks.xlsx_files,
    "answer-json": desks.answer_json_files,
    "answer-csv": desks.answer_csv_files,
    "answer-xlsx": desks.answer_xlsx_files,
    "own-list-csv": lambda: desks.own_list_files(".csv"),
    "own-list-xlsx": lambda: desks.own_list_files(".xlsx"),
    "payout": desks.payout_files,
    "virtual-accounts": desks.virtual_files,
    "bundle": desks.bundle_files,
    "pdf": desks.pdf_files,
    **replies.SUBJECTS,
}
