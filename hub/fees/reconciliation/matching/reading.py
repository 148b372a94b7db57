"""What the lines of a day say, written down as clues: the passes join on them, and a person can see them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from hub.db import Connection
from hub.fees.demands.model import COLLECTING
from hub.fees.ledger import normalise
from hub.fees.ledger.normalise import Text
from hub.fees.reconciliation.matching.references import Index, dossier_codes, references

VERSION: Final = 1
"""Goes up with every change of what is found in a text; what an older one found is found anew."""

_TEXTS: Final = """
SELECT l.id, concat_ws(' / ', nullif(l.text, ''), l.e2e, nullif(p.text, '')) AS said
FROM statement_line l LEFT JOIN payment p ON p.account = l.account AND p.bank_ref = l.bank_ref
WHERE l.account = %s AND l.booking_date = %s AND l.status = 'BOOK' AND l.amount > 0 AND NOT l.reversal
    AND l.state IN ('new', 'in_exception')
ORDER BY l.booking_date, l.line_key
"""

_FORGET: Final = """
UPDATE match_clue c SET stands = false FROM statement_line l
WHERE c.line_id = l.id AND c.stands AND l.account = %s AND l.booking_date = %s AND l.state IN ('new', 'in_exception')
"""

_ADD: Final = """
INSERT INTO match_clue (line_id, value, how, shown, errors, version)
SELECT line, value, how, shown, errors, %s
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::smallint[]) AS c (line, value, how, shown, errors)
ON CONFLICT (line_id, value) DO UPDATE SET how = excluded.how, shown = excluded.shown, errors = excluded.errors,
    version = excluded.version, stands = true
"""

_DOSSIERS: Final = """
SELECT translate(o.code, '.-', '') AS code, d.reference FROM dossier o JOIN fee_demand d ON d.dossier_id = o.id
WHERE translate(o.code, '.-', '') = ANY(%s) AND d.status = ANY(%s) AND d.account = %s
ORDER BY d.reference
"""

_COLLECTING: Final = "SELECT reference FROM fee_demand WHERE account = %s AND status = ANY(%s) ORDER BY reference"


@dataclass(frozen=True, slots=True)
class _Clue:
    line: int
    value: str
    how: str
    shown: str
    errors: int = 0


def read(conn: Connection, account: str, day: date, prefixes: tuple[str, ...]) -> int:
    """Read every line of the day that nobody has been found for. How many there were."""
    conn.execute(_FORGET, (account, day))
    rows = conn.execute(_TEXTS, (account, day)).fetchall()
    texts = [(row["id"], normalise.normalise(row["said"])) for row in rows]
    _write(conn, _unlike(_named(texts, prefixes, _dossiers(conn, account, texts))))
    return len(rows)


def read_nearly(conn: Connection, account: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Of the lines in which no reference of ours was found: those that it almost holds. For proposals."""
    if not rows:
        return
    index = Index(row["reference"] for row in conn.execute(_COLLECTING, (account, list(COLLECTING))))
    _write(
        conn,
        (
            _Clue(row["id"], near.reference, "near", near.reference, near.errors)
            for row in rows
            for near in index.near(normalise.normalise(row["said"]))
        ),
    )


def _named(texts: Iterable[tuple[int, Text]], prefixes: tuple[str, ...], dossiers: dict[str, str]) -> Iterator[_Clue]:
    for line, text in texts:
        for clue in references(text, prefixes):
            yield _Clue(line, clue.value, clue.how.value, clue.shown)
        for code in dossier_codes(text):
            if code in dossiers:
                yield _Clue(line, dossiers[code], "dossier", code)


def _dossiers(conn: Connection, account: str, texts: Iterable[tuple[int, Text]]) -> dict[str, str]:
    """Dossier code, squeezed → the reference of the demand that its dossier is asked for."""
    codes = sorted({code for _, text in texts for code in dossier_codes(text)})
    rows = conn.execute(_DOSSIERS, (codes, list(COLLECTING), account)).fetchall()
    return {row["code"]: row["reference"] for row in rows}


def _unlike(clues: Iterable[_Clue]) -> Iterator[_Clue]:
    """Each value of a line once: the first, which is the surest."""
    seen: set[tuple[int, str]] = set()
    for clue in clues:
        if (clue.line, clue.value) not in seen:
            seen.add((clue.line, clue.value))
            yield clue


def _write(conn: Connection, clues: Iterable[_Clue]) -> None:
    rows = list(clues)
    if rows:
        columns = [[getattr(clue, name) for clue in rows] for name in ("line", "value", "how", "shown", "errors")]
        conn.execute(_ADD, (VERSION, *columns))
