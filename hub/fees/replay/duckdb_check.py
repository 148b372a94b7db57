"""A second engine: DuckDB reads the rows as files and must come to the same sums as PostgreSQL.

Other code of other people, over the same rows: a fault of one engine, or of a query of ours, shows as a difference.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, LiteralString

from hub.db import Connection
from hub.errors import NotConfigured
from hub.fees.proof.findings import CheckOutcome, Invariant, Offender, ProofCode
from hub.fees.replay import duckdb_matches

BALANCES: Final = "the second engine comes to the same balances"
ENTRIES: Final = "the second engine reads the same entries"

_ENTRIES: Final[LiteralString] = (
    "SELECT seq, to_char(business_date, 'YYYY-MM-DD') AS business_date, kind, source_type, source_id,"
    " coalesce(bank_account, '') AS bank_account, to_char(original_date, 'YYYY-MM-DD') AS original_date, lines, amount,"
    " encode(digest, 'hex') AS digest FROM ledger_entry"
)
_LINES: Final[LiteralString] = (
    "SELECT entry_seq, number, account, coalesce(department, '') AS department, coalesce(fee_code, '') AS fee_code,"
    " coalesce(demand_id, '') AS demand_id, coalesce(item, '') AS item, dr, cr FROM ledger_line"
)
_EXPORTED: Final[Mapping[str, LiteralString]] = {
    "entry": _ENTRIES,
    "line": _LINES,
    "token": duckdb_matches.TOKENS,
    "demand": duckdb_matches.DEMANDS,
    "match": duckdb_matches.MATCHES,
    "nobodys": duckdb_matches.NOBODYS,
}
"""The other engine's table → the rows that it holds"""
_NUMBERS: Final = dict.fromkeys(("lines", "number", "seq", "entry_seq", "amount", "dr", "cr", "line_id"), "BIGINT")

_BALANCES: Final[LiteralString] = (
    "SELECT account, coalesce(department, '') AS department, coalesce(fee_code, '') AS fee_code,"
    " coalesce(demand_id, '') AS demand_id, coalesce(item, '') AS item, sum(dr)::bigint AS dr, sum(cr)::bigint AS cr"
    " FROM ledger_line GROUP BY 1, 2, 3, 4, 5"
)
"""As PostgreSQL sums them."""


def compared(conn: Connection) -> list[CheckOutcome]:
    """Both engines over the same rows. Raises NotConfigured where DuckDB is not installed."""
    try:
        import duckdb  # noqa: PLC0415 - not there in production, where nobody asks for it
    except ImportError:
        raise NotConfigured(
            "DuckDB is not installed here; it comes with the development tools (pip install duckdb)"
        ) from None

    with TemporaryDirectory(prefix="hub-proof-") as folder, conn.transaction(), duckdb.connect() as other:
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for table, query in _EXPORTED.items():
            path = Path(folder) / f"{table}.csv"
            _export(conn, query, path)
            other.execute(f"CREATE TABLE {table} AS SELECT * FROM read_csv(?, header = true, types = ?)", _csv(path))
        here = {tuple(row.values()) for row in conn.execute(_BALANCES)}
        return [
            _same_balances(other, here),
            _same_entries(other),
            _result(duckdb_matches.NAME, duckdb_matches.differences(other)),
        ]


def _csv(path: Path) -> list[Any]:
    with path.open(encoding="utf-8") as file:
        header = file.readline().rstrip("\n").split(",")
    return [str(path), {name: _NUMBERS.get(name, "VARCHAR") for name in header}]


def _export(conn: Connection, query: LiteralString, path: Path) -> None:
    with path.open("wb") as file, conn.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)") as copy:
        for block in copy:
            file.write(block)


def _same_balances(other: Any, here: set[tuple[Any, ...]]) -> CheckOutcome:
    there = set(
        other.execute(
            "SELECT account, coalesce(department, ''), coalesce(fee_code, ''), coalesce(demand_id, ''),"
            " coalesce(item, ''), sum(dr)::BIGINT, sum(cr)::BIGINT FROM line GROUP BY ALL"
        ).fetchall()
    )
    return _result(BALANCES, list(_differences(here, there)))


def _differences(here: set[tuple[Any, ...]], there: set[tuple[Any, ...]]) -> Iterator[Offender]:
    for name, rows in (("chỉ PostgreSQL", here - there), ("chỉ DuckDB", there - here)):
        for row in sorted(rows):
            yield Offender(" ".join(str(part) for part in row[:5] if part), f"{name}: Nợ {row[5]}, Có {row[6]}")


def _same_entries(other: Any) -> CheckOutcome:
    """Numbers, sides and digests, by SQL of another dialect."""
    found = other.execute(
        """
        SELECT e.seq, CASE WHEN e.seq <> e.place THEN 'ở vị trí ' || e.place
                           WHEN l.dr IS DISTINCT FROM e.amount OR l.cr IS DISTINCT FROM e.amount OR l.n <> e.lines
                               THEN 'Nợ ' || coalesce(l.dr, 0) || ', Có ' || coalesce(l.cr, 0)
                           ELSE 'không còn như khi ghi sổ' END
        FROM (SELECT *, row_number() OVER (ORDER BY seq) AS place FROM entry) AS e LEFT JOIN (
            SELECT entry_seq, count(*) AS n, sum(dr) AS dr, sum(cr) AS cr,
                   list_aggregate(list(chr(10) || concat_ws('|', account, coalesce(department, ''),
                       coalesce(fee_code, ''), coalesce(demand_id, ''), coalesce(item, ''), dr, cr)
                       ORDER BY number), 'string_agg', '') AS content
            FROM line GROUP BY entry_seq
        ) AS l ON l.entry_seq = e.seq
        WHERE e.seq <> e.place OR l.dr IS DISTINCT FROM e.amount OR l.cr IS DISTINCT FROM e.amount OR l.n <> e.lines
           OR sha256(concat_ws('|', e.business_date, e.kind, e.source_type, e.source_id, coalesce(e.bank_account, ''),
                               e.original_date) || l.content) <> e.digest
        ORDER BY e.seq
        """
    ).fetchall()
    return _result(ENTRIES, [Offender(f"entry {seq}", how) for seq, how in found])


def _result(name: str, offenders: Sequence[Offender]) -> CheckOutcome:
    return CheckOutcome(Invariant.I9, name, ProofCode.REPLAY, offenders[:100], len(offenders))
