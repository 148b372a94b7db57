"""What left the account, or came back to it, and is nobody's by now: a case, so that no line is without an outcome.

It is the last step of a run. Whatever knows its own lines (the reversal of a credit does) takes them before.
"""

from collections.abc import Mapping
from typing import Any, Final

from hub.fees import exceptions
from hub.fees.exceptions.opening import LINE
from hub.fees.ledger import postings
from hub.fees.reconciliation.matching.effects import MatchRun

_LEFT: Final = """
SELECT id AS line_id, booking_date, amount FROM statement_line
WHERE account = %(account)s AND booking_date = %(day)s AND status = 'BOOK' AND state = 'new'
    AND (amount < 0 OR reversal) AND amount <> 0
ORDER BY booking_date, line_key
"""


def settle(doing: MatchRun) -> None:
    """Every such line of the day that no step has taken."""
    for row in doing.uow.conn.execute(_LEFT, doing.scope.parameters).fetchall():
        _case(doing, row)


def _case(doing: MatchRun, row: Mapping[str, Any]) -> None:
    """A debit is taken for a charge (642) until somebody knows better; what came back is unidentified (338)."""
    name, amount = str(row["line_id"]), row["amount"]
    if amount < 0:
        code, entry = "P02", postings.charged(doing.origin(row), -amount)
    else:
        code, entry = "V04", postings.unidentified(doing.origin(row), name, amount)
    doing.entries.append(entry)
    doing.states[row["line_id"]] = "in_exception"
    facts = {"line": name, "account": doing.scope.account}
    exceptions.open_case(doing.uow, code, LINE, name, abs(amount), facts)
    doing.counters[code] += 1
