"""The test catalogue with a roster: what production asks for."""

import shutil
from pathlib import Path

from tests.catalogue_secrets import CATALOGUE


def a_catalogue(folder: Path, *accounts: str) -> Path:
    """A copy in ``folder`` that names these accounts as clerks, each with all rights; gives the folder."""
    shutil.copytree(CATALOGUE, folder, dirs_exist_ok=True)
    clerks = "".join(
        f'\n[[clerks]]\naccount = "{one}"\ntitle = "Kế toán"\nmay = ["propose", "agree"]\n' for one in accounts
    )
    (folder / "fees.toml").write_text((CATALOGUE / "fees.toml").read_text(encoding="utf-8") + clerks, encoding="utf-8")
    return folder
