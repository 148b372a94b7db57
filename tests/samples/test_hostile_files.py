"""../shared/samples/faults/hostile: what ended its reader is unreadable, with its place, whoever sent it."""

from pathlib import Path

import pytest

from config.statements import Statements
from hub.fees.settlements.department_files import BadFile
from hub.untrusted import files
from schemas.statement import UnreadableFile

XLSX = Statements.model_validate(
    {
        "xlsx": {
            "closing": "C",
            "opening": "O",
            "columns": {"booking_date": "D", "debit": "N", "credit": "C", "text": ["T"]},
        }
    }
)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("01-sparse.xlsx", "cell XFD100000 is filled: the sheet would take more room"),
        ("04-badzlib.xlsx", "does not unfold"),
        ("06-formula-newline.xlsx", "cell A1 is a formula"),
    ],
)
def test_a_workbook_that_ended_its_reader_is_unreadable(samples: Path, name: str, says: str) -> None:
    raw = (samples / "faults" / "hostile" / name).read_bytes()
    with pytest.raises(UnreadableFile) as caught:
        files.statements(XLSX, raw)
    assert says in caught.value.sentence


def test_a_department_cannot_end_it_either(samples: Path) -> None:
    for name in ("01-sparse.xlsx", "04-badzlib.xlsx"):
        with pytest.raises(BadFile, match="không đọc được"):
            files.sheets((samples / "faults" / "hostile" / name).read_bytes(), ".xlsx")
