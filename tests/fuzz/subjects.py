"""The readers that are tried, by name."""

from collections.abc import Callable, Mapping
from typing import Final

from tests.fuzz import banks, documents, replies, signatures
from tests.fuzz.subject import FuzzSubject

SUBJECTS: Final[Mapping[str, Callable[[], FuzzSubject]]] = {
    "camt": banks.camt_files,
    "mt940": banks.mt940_files,
    "csv": lambda: banks.csv_files("bank-a"),
    "csv-signed": lambda: banks.csv_files("bank-b"),
    "xlsx": banks.xlsx_files,
    "answer-json": documents.answer_json_files,
    "answer-csv": documents.answer_csv_files,
    "answer-xlsx": documents.answer_xlsx_files,
    "own-list-csv": lambda: documents.own_list_files(".csv"),
    "own-list-xlsx": lambda: documents.own_list_files(".xlsx"),
    "payout": documents.payout_files,
    "virtual-accounts": documents.virtual_files,
    "bundle": documents.bundle_files,
    "pdf": documents.pdf_files,
    **replies.SUBJECTS,
    **signatures.SUBJECTS,
}
