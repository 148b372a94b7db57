"""The one handoff that every department's recordings are about: invented people, every part of the message in it."""

import json
from pathlib import Path
from typing import Final

from config.catalogue import Catalogue, Department
from schemas import strict
from schemas.department import Handoff
from schemas.settlement import HandedTable

KEY: Final = "tr_01M85SMWS20E6G2XCP78BXP9SG"
"""The transfer's id: the same in every attempt."""

TABLE_KEY: Final = "sm_01M85SMWS20E6G2XCP78BXP9SG"
"""Of the transfer that hands a month's table over: the table's own number."""

_TABLE: Final = Path(__file__).parent / "recordings" / "settlement.json"
_HANDOFF: Final = Path(__file__).parent / "recordings" / "handoff.json"


def canonical_table() -> HandedTable:
    """The month's table that every department is handed: its bytes are kept, so that its digest is in the replies."""
    return strict.read(HandedTable, _TABLE.read_bytes())


def canonical_handoff(department: Department, catalogue: Catalogue) -> Handoff:
    """The handoff to ``department``: nothing but its agency and its Centre differs from one to the next."""
    handoff = json.loads(_HANDOFF.read_text())
    agencies = {"from_agency": catalogue.portal.centre, "to_agency": department.agency}
    return strict.read(Handoff, json.dumps(handoff | agencies).encode())
