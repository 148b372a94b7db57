"""A second engine: DuckDB reads the same rows as files and must compute the same sums as PostgreSQL.

An error of one engine, or of one of our queries, shows as a difference.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, LiteralString

from hub.db import Connection
from hub.errors import NotConfigured
from hub.fees.proof.findings import CheckOutcome, Invariant, Offender, ProofCode
from hub.locale import vi

NAME: Final = "the second engine finds the same demands in the lines"

TOKENS: Final[LiteralString] = (
    "SELECT l.id AS line_id, l.account, found.token[1] AS token FROM statement_line l"
    " CROSS JOIN LATERAL regexp_matches(replace(l.text_norm, ' ', ''), '[A-Z]{2}[0-9]{12}', 'g') AS found (token)"
    " WHERE l.status = 'BOOK' AND l.amount > 0 AND NOT l.reversal AND l.state NOT IN ('new', 'vanished', 'not_fee')"
)
DEMANDS: Final[LiteralString] = "SELECT id AS demand_id, reference, account FROM fee_demand"
MATCHES: Final[LiteralString] = (
    "SELECT leg.line_id, leg.demand_id, g.pass FROM match_leg leg JOIN match_group g ON g.id = leg.group_id"
    " JOIN payment p ON p.id = leg.payment_id"
    " WHERE leg.confirmed AND leg.demand_id IS NOT NULL AND g.pass IN ('P3', 'P4', 'P8')"
    " AND (p.source = 'statement' OR g.evidence ? 'between')"
)
NOBODYS: Final[LiteralString] = (
    "SELECT DISTINCT facts ->> 'line' AS line_id FROM fee_exception"
    " WHERE code = 'R01' AND state <> 'resolved' AND facts ? 'line'"
)
"""lines with an exception R01: no demand was recognised"""

_DIFFERENCES: Final = """
WITH named AS (  -- ISO 7064 MOD 97-10, letters read as 10 to 35
    SELECT DISTINCT t.line_id, d.demand_id FROM token t JOIN demand d ON d.reference = t.token AND d.account = t.account
    WHERE CAST((ascii(t.token) - 55) || (ascii(t.token[2:2]) - 55)::VARCHAR || t.token[3:] AS HUGEINT) % 97 = 1
)
SELECT 'line ' || m.line_id, 'khớp theo ' || m.pass || ' với ' || m.demand_id || ', nội dung không ghi mã này'
FROM match m WHERE NOT EXISTS (SELECT 1 FROM named n WHERE (n.line_id, n.demand_id) = (m.line_id, m.demand_id))
UNION ALL
SELECT 'line ' || n.line_id, 'bị coi là chưa rõ của ai; nội dung ghi mã của ' || n.demand_id
FROM named n JOIN nobodys b ON b.line_id = n.line_id
ORDER BY ALL
"""


def differences(other: Any) -> list[Offender]:
    """Where the engines disagree; ``other``: DuckDB with the tables token, demand, match and nobodys."""
    return [Offender(what, how) for what, how in other.execute(_DIFFERENCES).fetchall()]


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
    "token": TOKENS,
    "demand": DEMANDS,
    "match": MATCHES,
    "nobodys": NOBODYS,
}
"""DuckDB's table → the query of its rows"""
_NUMBERS: Final = dict.fromkeys(("lines", "number", "seq", "entry_seq", "amount", "dr", "cr", "line_id"), "BIGINT")

_BALANCES: Final[LiteralString] = (
    "SELECT account, coalesce(department, '') AS department, coalesce(fee_code, '') AS fee_code,"
    " coalesce(demand_id, '') AS demand_id, coalesce(item, '') AS item, sum(dr)::bigint AS dr, sum(cr)::bigint AS cr"
    " FROM ledger_line GROUP BY 1, 2, 3, 4, 5"
)
"""the balances as PostgreSQL sums them"""


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
        balances = {tuple(row.values()) for row in conn.execute(_BALANCES)}
        return [
            _same_balances(other, balances),
            _same_entries(other),
            _result(NAME, differences(other)),
        ]


def _csv(path: Path) -> list[Any]:
    with path.open(encoding="utf-8") as file:
        header = file.readline().rstrip("\n").split(",")
    return [str(path), {name: _NUMBERS.get(name, "VARCHAR") for name in header}]


def _export(conn: Connection, query: LiteralString, path: Path) -> None:
    with path.open("wb") as file, conn.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)") as copy:
        for block in copy:
            file.write(block)


def _same_balances(other: Any, balances: set[tuple[Any, ...]]) -> CheckOutcome:
    others = set(
        other.execute(
            "SELECT account, coalesce(department, ''), coalesce(fee_code, ''), coalesce(demand_id, ''),"
            " coalesce(item, ''), sum(dr)::BIGINT, sum(cr)::BIGINT FROM line GROUP BY ALL"
        ).fetchall()
    )
    return _result(BALANCES, list(_differences(balances, others)))


def _differences(postgres: set[tuple[Any, ...]], duckdb: set[tuple[Any, ...]]) -> Iterator[Offender]:
    for name, rows in ((vi("PostgreSQL only"), postgres - duckdb), (vi("DuckDB only"), duckdb - postgres)):
        for row in sorted(rows):
            yield Offender(
                " ".join(str(part) for part in row[:5] if part),
                vi("{name}: debit {debit}, credit {credit}", name=name, debit=row[5], credit=row[6]),
            )


def _same_entries(other: Any) -> CheckOutcome:
    """Compare numbers, both sides and digests of the entries."""
    rows = other.execute(
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
    return _result(ENTRIES, [Offender(f"entry {seq}", how) for seq, how in rows])


def _result(name: str, offenders: Sequence[Offender]) -> CheckOutcome:
    return CheckOutcome(Invariant.I9, name, ProofCode.REPLAY, offenders[:100], len(offenders))
