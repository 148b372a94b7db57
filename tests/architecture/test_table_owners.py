"""Each table has one owner; every other package that names it in SQL stands in a list that only shrinks.

A package that reads or writes another one's tables breaks when the owner changes its storage. It calls the owner's
functions instead, or reads a view that the owner names.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
STEPS: Final = ROOT / "hub" / "migrations" / "versions"

OWNERS: Final[dict[str, tuple[str, ...]]] = {
    "hub/messages": (
        "counterparty",
        "inbox",
        "idempotency",
        "outbox",
        "attempt",
        "exchange",
        "tick",
        "worker_heartbeat",
    ),
    "hub/migrations": ("retention",),
    "hub/audit": ("audit_log",),
    "hub/dossiers": (
        "dossier",
        "dossier_serial",
        "reserved_code",
        "event",
    ),
    "hub/signing": (
        "custody_leaf",
        "custody_content",
        "custody_node",
        "custody_checkpoint",
        "custody_stamp",
        "custody_witness",
        "crl",
    ),
    "hub/handoffs": (
        "handoff",
        "handoff_minute",
    ),
    "hub/consignments": (
        "consignment",
        "consignment_item",
        "item_code_pool",
        "tracking_event",
        "complaint",
        "incident",
        "attention",
    ),
    "hub/fees/demands": (
        "fee_demand",
        "fee_demand_line",
        "fee_credit",
    ),
    "hub/fees/payments": ("payment",),
    "hub/fees/reconciliation": (
        "notify_delivery",
        "notify_event",
        "notify_verdict",
        "late_notification",
        "rejected_request",
        "statement_file",
        "statement",
        "statement_line",
        "recon_run",
        "match_clue",
        "virtual_account",
        "payout_report",
        "payout_item",
        "match_group",
        "match_leg",
    ),
    "hub/fees/ledger": (
        "ledger_entry",
        "ledger_line",
        "ledger_checkpoint",
    ),
    "hub/fees/exceptions": ("fee_exception",),
    "hub/fees/closing": (
        "day_close",
        "month_close",
        "close_proposal",
    ),
    "hub/fees/payouts": (
        "payment_order",
        "refund",
        "chargeback",
    ),
    "hub/fees/settlements": (
        "settlement",
        "settlement_fee",
        "settlement_carry",
        "settlement_item",
    ),
    "hub/fees/receipts": (
        "receipt",
        "receipt_policy",
        "receipt_series",
        "receipt_due",
    ),
    "hub/fees/proof": ("proof_run",),
}
"""package (or module) → the tables and views that it owns"""

AUDITORS: Final = ("hub/fees/proof", "hub/fees/replay", "hub/cli/demo")
"""packages that look at all tables because they check them; the replay writes into temporary copies of its own"""

READS: Final[dict[str, tuple[str, ...]]] = {
    "hub/cli": (
        "custody_witness",
        "event",
        "inbox",
    ),
    "hub/consignments": (
        "audit_log",
        "dossier",
        "fee_demand",
        "inbox",
        "outbox",
    ),
    "hub/dossiers": ("inbox",),
    "hub/fees/demands": ("dossier",),
    "hub/fees/exceptions": (
        "dossier",
        "fee_credit",
        "fee_demand",
        "ledger_line",
        "match_leg",
        "notify_event",
        "payment",
        "statement_line",
    ),
    "hub/fees/payments": (
        "fee_credit",
        "late_notification",
        "ledger_entry",
        "ledger_line",
        "notify_event",
    ),
    "hub/fees/payouts": (
        "ledger_line",
        "match_leg",
    ),
    "hub/fees/receipts": (
        "dossier",
        "fee_demand",
        "fee_demand_line",
    ),
    "hub/fees/reconciliation": (
        "audit_log",
        "chargeback",
        "consignment",
        "dossier",
        "fee_credit",
        "fee_demand",
        "fee_demand_line",
        "inbox",
        "ledger_entry",
        "ledger_line",
        "payment",
        "payment_order",
        "refund",
    ),
    "hub/fees/settlements": (
        "dossier",
        "fee_demand",
        "fee_demand_line",
        "fee_exception",
        "ledger_entry",
        "ledger_line",
        "receipt",
    ),
    "hub/handoffs": (
        "audit_log",
        "custody_content",
        "custody_leaf",
        "dossier",
        "inbox",
    ),
    "hub/http": ("inbox",),
    "hub/operations": ("inbox",),
    "hub/signing": (
        "counterparty",
        "outbox",
    ),
    "hub/standstill": ("inbox",),
    "hub/views": (
        "attempt",
        "audit_log",
        "counterparty",
        "dossier",
        "exchange",
        "inbox",
        "outbox",
    ),
}
"""package → foreign tables that it still reads in its own SQL. It only shrinks"""

WRITES: Final[dict[str, tuple[str, ...]]] = {
    "hub/fees/payouts": ("statement_line",),
    "hub/messages": ("audit_log",),
    "hub/operations": (
        "counterparty",
        "outbox",
    ),
    "hub/polling": ("counterparty",),
}
"""package → foreign tables that it still writes. It only shrinks"""

OWNER: Final = {table: package for package, tables in OWNERS.items() for table in tables}
_NAMED: Final = re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM|FROM|JOIN)\s+(?:ONLY\s+)?(?:public\.)?([a-z_]+)\b")
_COMMON: Final = re.compile(r"\b(\w+)(?: \([\w, ]+\))? AS (?:NOT )?(?:MATERIALIZED )?\(")
_STATEMENT: Final = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b")


def named(query: str) -> set[tuple[str, bool]]:
    """(table, whether it is written) for each table of ours that the query names."""
    common = set(_COMMON.findall(query))
    return {
        (table, keyword not in ("FROM", "JOIN"))
        for keyword, table in _NAMED.findall(query)
        if table in OWNER and table not in common
    }


def queries() -> Iterator[tuple[str, str]]:
    """(path without its suffix, text) of whatever looks like SQL in the hub; a gap in an f-string is {}."""
    for path in sorted((ROOT / "hub").rglob("*.sql")):
        if path.parent != STEPS:
            yield str(path.relative_to(ROOT).with_suffix("")), path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "hub").rglob("*.py")):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        parts = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in nodes:
            text = "" if id(node) in parts else _text(node)
            if _STATEMENT.search(text) or _NAMED.search(text):
                yield str(path.relative_to(ROOT).with_suffix("")), text


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def package(path: str) -> str:
    """``hub/fees/<name>`` or ``hub/<name>`` of a file."""
    parts = path.split("/")
    return "/".join(parts[: 3 if parts[1] == "fees" or (parts[1] == "cli" and len(parts) > 3) else 2])


def crossings(*, written: bool) -> dict[str, tuple[str, ...]]:
    """package → the tables of others that it reads (or writes) in its own SQL; what it writes it may also read."""
    reads: dict[str, set[str]] = {}
    writes: dict[str, set[str]] = {}
    for path, query in queries():
        for table, is_written in named(query):
            if path != OWNER[table] and not path.startswith(f"{OWNER[table]}/") and not path.startswith(AUDITORS):
                (writes if is_written else reads).setdefault(package(path), set()).add(table)
    chosen = writes if written else {name: tables - writes.get(name, set()) for name, tables in reads.items()}
    return {name: tuple(sorted(tables)) for name, tables in sorted(chosen.items()) if tables}


def test_every_table_has_one_owner() -> None:
    schema = "".join(step.read_text(encoding="utf-8") for step in sorted(STEPS.glob("*.sql")))
    tables = set(re.findall(r"CREATE (?:OR REPLACE )?(?:TABLE|VIEW) (\w+)(?![\w.]| PARTITION)", schema))
    assert set(OWNER) == tables
    assert len(OWNER) == sum(len(tables) for tables in OWNERS.values())
    assert [name for name in OWNERS if not (ROOT / name).is_dir() and not (ROOT / f"{name}.py").is_file()] == []


def test_no_other_package_writes_a_table() -> None:
    assert crossings(written=True) == WRITES, "call the owner's function; what no longer crosses leaves the list"


def test_no_other_package_reads_a_table() -> None:
    assert crossings(written=False) == READS, "call the owner's function; what no longer crosses leaves the list"


@pytest.mark.parametrize(
    ("query", "tables"),
    [
        ("SELECT id FROM outbox o JOIN dossier d ON d.id = o.subject", {("outbox", False), ("dossier", False)}),
        ("INSERT INTO fee_exception (id) SELECT id FROM public.payment", {("fee_exception", True), ("payment", False)}),
        ("WITH payment AS (SELECT 1) SELECT * FROM payment", set()),
        ("an update of the statement", set()),
    ],
)
def test_the_lint_itself(query: str, tables: set[tuple[str, bool]]) -> None:
    assert named(query) == tables
