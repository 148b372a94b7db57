"""Each cell of docs/reference/rights.md, on the real database."""

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Final

import psycopg
import pytest
from typer.core import TyperGroup
from typer.main import get_command

from deploy import rights
from hub.cli.main import app as command_line
from tests.deploy.installed import a_database, database_url_as, make_roles, run_script

RIGHTS: Final = rights.granted(rights.GRANTS.read_text(encoding="utf-8"))
TABLES: Final = sorted({table for _, table in RIGHTS})
PRIVILEGES: Final = ("SELECT", "INSERT", "UPDATE")
BY_THEMSELVES: Final = {"api", "worker", "doctor", "db upgrade", "db check"}
"""commands that connect with the settings' URL instead of hub.cli.environment"""
NEVER: Final = ("DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")


@pytest.fixture(scope="module")
def admin(server: str) -> Iterator[psycopg.Connection]:
    """The superuser, in a migrated database with our roles and grants."""
    with a_database(server, template="hub") as name:
        make_roles(database_url_as(server, name))
        run_script(database_url_as(server, name), "grants.sql")
        with psycopg.connect(database_url_as(server, name), autocommit=True) as conn:
            yield conn


@pytest.mark.parametrize("role", rights.ROLES)
@pytest.mark.parametrize("table", TABLES)
def test_a_role_may_do_with_a_table_what_the_page_says(admin: psycopg.Connection, role: str, table: str) -> None:
    columns = [
        row[0]
        for row in admin.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
            (table,),
        )
    ]
    for privilege in PRIVILEGES:
        held = admin.execute(
            "SELECT c FROM unnest(%s::text[]) AS c WHERE has_column_privilege(%s, %s, c, %s)",
            (columns, role, table, privilege),
        ).fetchall()
        declared = RIGHTS.get((role, table), {}).get(privilege, frozenset())
        assert {name for (name,) in held} == (set(columns) if declared is None else declared), privilege
    for privilege in NEVER:
        assert admin.execute("SELECT has_table_privilege(%s, %s, %s)", (role, table, privilege)).fetchone() == (False,)


def test_what_the_page_does_not_name_is_closed(admin: psycopg.Connection) -> None:
    open_to = admin.execute(
        "SELECT c.relname, r FROM pg_class c, unnest(%s::name[]) AS r WHERE c.relnamespace = 'public'::regnamespace"
        " AND c.relkind IN ('r', 'p', 'v', 'm') AND c.relname <> ALL (%s)"
        " AND has_any_column_privilege(r, c.oid, 'SELECT, INSERT, UPDATE')",
        (list(rights.ROLES), TABLES),
    ).fetchall()
    assert open_to == []


def test_functions_and_sequences_are_for_whom_the_page_says(admin: psycopg.Connection) -> None:
    """Trigger functions cannot be called; whatever else there is must have been granted."""
    functions = admin.execute(
        "SELECT r, p.oid::regprocedure::text FROM pg_proc p, unnest(%s::name[]) AS r"
        " WHERE p.pronamespace = 'public'::regnamespace AND p.prorettype <> 'trigger'::regtype"
        " AND p.prosecdef AND has_function_privilege(r, p.oid, 'EXECUTE')",
        (list(rights.ROLES),),
    ).fetchall()
    sequences = admin.execute(
        "SELECT r, c.relname FROM pg_class c, unnest(%s::name[]) AS r WHERE c.relkind = 'S'"
        " AND c.relnamespace = 'public'::regnamespace AND has_sequence_privilege(r, c.oid, 'USAGE, UPDATE')",
        (list(rights.ROLES),),
    ).fetchall()
    declared = {(role, name.replace(", ", ",")) for role, name in rights.granted_objects(rights.GRANTS.read_text())}
    assert {*functions, *sequences} <= declared
    assert {(role, name) for role, name in declared if "(" not in name} == set(sequences)


@cache
def _functions(module: ModuleType) -> dict[str, ast.AST]:
    tree = ast.parse(inspect.getsource(module))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def opens_the_database(module: ModuleType, name: str, seen: set[tuple[str, str]]) -> bool:
    """Whether the function, or one of the command line's that it calls, asks hub.cli.environment for the database."""
    if (module.__name__, name) in seen or name not in _functions(module):
        return False
    seen.add((module.__name__, name))
    for node in ast.walk(_functions(module)[name]):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            other = getattr(module, node.value.id, None)
            if node.value.id == "environment" and node.attr in {"hub", "database"}:
                return True
            home = other if isinstance(other, ModuleType) else module
            if home.__name__.startswith("hub.cli.") and opens_the_database(home, node.attr, seen):
                return True
        elif isinstance(node, ast.Name):
            called = getattr(module, node.id, None)
            home = sys.modules.get(getattr(called, "__module__", ""), module)
            if home.__name__.startswith("hub.cli.") and opens_the_database(home, node.id, seen):
                return True
    return False


@pytest.mark.parametrize(("name", "role"), list(rights.commands()))
def test_a_command_opens_the_database_if_and_only_if_it_has_a_role(name: str, role: str) -> None:
    command = get_command(command_line)
    for word in name.split():
        assert isinstance(command, TyperGroup)
        command = command.commands[word]
    assert command.callback is not None
    function = inspect.unwrap(command.callback)
    opens = opens_the_database(sys.modules[function.__module__], function.__name__, set())
    assert (opens or name in BY_THEMSELVES) is (role != "none")
