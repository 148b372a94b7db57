"""deploy/postgres on a real database: installed as the runbook says, then tried role by role."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege, ReadOnlySqlTransaction
from psycopg.rows import dict_row

from hub.dossiers import portal_view
from hub.migrations.run import retain, upgrade
from hub.signing import custody
from tests.deploy.installed import DATABASE_ROLES, a_database, database_url_as, make_roles, run_script

APPEND_ONLY: Final = {
    *("audit_log", "event", "exchange", "idempotency"),
    *("notify_delivery", "notify_event", "notify_verdict"),
}
CONTENT: Final = [("inbox", "body"), ("outbox", "body"), ("outbox", "key"), ("exchange", "record"), ("event", "notice")]


@pytest.fixture(scope="module")
def installed(server: str) -> Iterator[str]:
    """A database that was made as the runbook says; gives its name."""
    with a_database(server, template="template1") as name:
        admin, owner = database_url_as(server, name), database_url_as(server, name, "hub_owner")
        for _ in range(2):  # a second time, as after the next release
            make_roles(admin)
            upgrade(owner)
            run_script(owner, "grants.sql")
        yield name


@pytest.fixture
def as_role(server: str, installed: str, request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url_as(server, installed, request.param), autocommit=True) as conn:
        yield conn


@pytest.fixture
def admin(server: str, installed: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url_as(server, installed), autocommit=True) as conn:
        yield conn


def holders(conn: psycopg.Connection, privilege: str) -> dict[str, set[str]]:
    """table → the roles (the owner aside) that hold the privilege on it, or on a column of it."""
    asked = "has_table_privilege(r, c.oid, %(privilege)s)"
    if privilege not in {"DELETE", "TRUNCATE"}:
        asked = "has_any_column_privilege(r, c.oid, %(privilege)s)"
    rows = conn.execute(
        f"SELECT c.relname, r FROM pg_class c CROSS JOIN unnest(%(roles)s::name[]) AS r"
        f" WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND {asked}",
        {"privilege": privilege, "roles": list(DATABASE_ROLES[1:])},
    ).fetchall()
    holding: dict[str, set[str]] = {}
    for table, role in rows:
        holding.setdefault(table, set()).add(role)
    return holding


def test_nobody_but_the_owner_can_delete_or_truncate_anything(admin: psycopg.Connection) -> None:
    assert holders(admin, "DELETE") == {}
    assert holders(admin, "TRUNCATE") == {}


def test_history_is_only_added_to(admin: psycopg.Connection) -> None:
    assert not APPEND_ONLY & set(holders(admin, "UPDATE"))
    assert all(holders(admin, "INSERT")[table] <= {"hub_api", "hub_worker"} for table in APPEND_ONLY)


def test_every_table_is_open_to_the_worker_so_that_a_new_one_was_thought_of(admin: psycopg.Connection) -> None:
    rows = admin.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relispartition"
    ).fetchall()
    assert {table for (table,) in rows} == {
        table for table, roles in holders(admin, "SELECT").items() if "hub_worker" in roles
    }


def test_the_tables_belong_to_the_owner_and_strangers_cannot_connect(admin: psycopg.Connection) -> None:
    owners = admin.execute(
        "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'",
    ).fetchall()
    assert owners == [("hub_owner",)]
    [(strangers,)] = admin.execute(
        "SELECT count(*) FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = current_database()"
        " AND a.grantee = 0"
    ).fetchall()
    assert strangers == 0


def test_temporary_tables_are_for_the_owner_alone(admin: psycopg.Connection) -> None:
    """In which the replay of the book is made."""
    rows = admin.execute(
        "SELECT r, has_database_privilege(r, current_database(), 'TEMPORARY') FROM unnest(%s::name[]) AS r",
        (list(DATABASE_ROLES),),
    ).fetchall()
    assert [role for role, may in rows if may] == ["hub_owner"]


REFUSED: Final[list[tuple[str, LiteralString]]] = [
    ("hub_worker", "DELETE FROM outbox"),
    ("hub_worker", "UPDATE inbox SET body = ''"),
    ("hub_worker", "UPDATE outbox SET counterparty = 'department.rest-b'"),
    ("hub_worker", "UPDATE audit_log SET reason = NULL"),
    ("hub_worker", "INSERT INTO exchange_other (id, at, counterparty, record) VALUES ('ex_1', now(), 'x', '{}')"),
    ("hub_worker", "CREATE TABLE mine (id text)"),
    ("hub_worker", "DROP TABLE exchange_other"),
    ("hub_worker", "ALTER TABLE audit_log DISABLE TRIGGER ALL"),
    ("hub_worker", "CREATE TEMPORARY TABLE mine (id text)"),
    ("hub_api", "INSERT INTO outbox (id) VALUES ('tr_1')"),
    ("hub_api", "UPDATE inbox SET state = 'handled', settled_at = now()"),
    ("hub_api", "SELECT FROM exchange"),
    ("hub_api", "SELECT FROM audit_log"),
    ("hub_api", "UPDATE counterparty SET paused_at = now()"),
    ("hub_api", "SELECT body FROM inbox"),
    ("hub_api", "INSERT INTO audit_log (subject, actor, action) VALUES ('ex_1', 'ke-toan-a', 'exception_resolved')"),
    ("hub_api", "SELECT write_audit_from_endpoint('ex_1', 'exception_resolved')"),
    ("hub_api", "SELECT write_audit_from_endpoint('sm_1', 'settlement_opened')"),
    ("hub_api", "SELECT rotate_exchange()"),
    ("hub_reader", "SELECT rotate_exchange()"),
    ("hub_worker", "SELECT write_audit_from_endpoint('sm_1', 'settlement_opened')"),
    ("hub_worker", "UPDATE retention SET days = 1"),
    ("hub_reader", "SELECT * FROM inbox"),
]


@pytest.mark.parametrize(("as_role", "statement"), REFUSED, indirect=["as_role"])
def test_what_is_not_a_roles_work_is_refused(as_role: psycopg.Connection, statement: LiteralString) -> None:
    with pytest.raises(InsufficientPrivilege):
        as_role.execute(statement)


@pytest.mark.parametrize("as_role", ["hub_reader"], indirect=True)
def test_the_reader_counts_and_does_not_see_content(as_role: psycopg.Connection) -> None:
    as_role.execute("SELECT state, count(*) FROM outbox GROUP BY state").fetchall()
    as_role.execute("SELECT code, status, due_at FROM dossier").fetchall()
    for table, column in CONTENT:
        with pytest.raises(InsufficientPrivilege):
            as_role.execute(sql.SQL("SELECT {} FROM {}").format(sql.Identifier(column), sql.Identifier(table)))
    with pytest.raises(ReadOnlySqlTransaction):
        as_role.execute("CREATE TABLE mine (id text)")


@pytest.mark.parametrize("as_role", ["hub_worker"], indirect=True)
def test_the_worker_lets_evidence_age_without_owning_a_table(
    as_role: psycopg.Connection, admin: psycopg.Connection
) -> None:
    """By the server's own day, and by what the owner has said is kept."""
    today = datetime.now(UTC).date()
    admin.execute("SET ROLE hub_owner")
    for month in (date(2020, 1, 1), date(2020, 2, 1)):
        admin.execute(
            f"CREATE TABLE exchange_{month:%Y_%m} PARTITION OF exchange"
            f" FOR VALUES FROM ('{month}') TO ('{month + timedelta(31):%Y-%m}-01')"
        )
    retain(admin.info.dsn + f" password={admin.info.password}", evidence_days=(today - date(2020, 2, 15)).days)
    assert as_role.execute("SELECT rotate_exchange()").fetchall() == [("exchange_2020_01",)]
    remaining = f"SELECT 1 FROM pg_class WHERE relname IN ('exchange_2020_02', 'exchange_{today:%Y_%m}')"
    assert len(admin.execute(remaining).fetchall()) == 2
    assert as_role.execute("SELECT rotate_exchange()").fetchall() == []


@pytest.mark.parametrize("as_role", ["hub_api"], indirect=True)
def test_that_a_message_came_is_noted_once_in_its_sources_name(
    as_role: psycopg.Connection, admin: psycopg.Connection
) -> None:
    as_role.execute(
        "INSERT INTO inbox (id, source, kind, external_id, fingerprint, media_type, body)"
        " VALUES ('in_1', 'bank.bank-a', 'bank.notification', 'x', sha256('x'), 'application/json', 'x')"
    )
    rows = admin.execute("SELECT actor, action, after FROM audit_log WHERE subject = 'in_1'").fetchall()
    assert rows == [("bank.bank-a", "message_received", "received")]


@pytest.mark.parametrize("as_role", ["hub_api", "hub_worker"], indirect=True)
def test_api_and_workers_may_ask_whether_the_custody_log_is_anchored(as_role: psycopg.Connection) -> None:
    with psycopg.connect(as_role.info.dsn, password=as_role.info.password, row_factory=dict_row) as conn:
        assert custody.anchored_since(conn) is None


@pytest.mark.parametrize("as_role", ["hub_api"], indirect=True)
def test_the_portals_api_looks_up_and_lists_submissions(as_role: psycopg.Connection) -> None:
    conn: Any = as_role
    conn.row_factory = dict_row
    assert portal_view.submission(conn, code="000001626111250001") is None
    assert portal_view.page(conn, moment=datetime(2026, 1, 1, tzinfo=UTC), after="", limit=10) == []
