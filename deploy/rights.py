# ruff: noqa: INP001 - deploy is a folder of files, no package
"""Who may do what, as a page: database role × table, client × route, command × database role.

    python -m deploy.rights > docs/reference/rights.md

The tables follow from deploy/postgres/grants.sql, from the routes of the application and from the commands of `hub`;
whose a route or a command is, is declared here. tests/deploy/test_rights.py tries each cell.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from starlette.routing import Route
from typer.core import TyperGroup
from typer.main import get_command

from hub.cli.main import app as command_line
from hub.http.app import application

GRANTS: Final = Path(__file__).parent / "postgres" / "grants.sql"
ROLES: Final = ("hub_api", "hub_worker", "hub_reader")
"""database roles; hub_owner owns every table, and only migrations run as it"""

Columns = frozenset[str] | None
"""None: all"""
_PRIVILEGE: Final = re.compile(r"([A-Z]+)(?:\s*\(([^)]*)\))?")
_GRANT: Final = re.compile(r"GRANT\s+(.+?)\s+ON\s+(FUNCTION |SEQUENCE )?(.+?)\s+TO\s+(.+)", re.DOTALL)
_COMMENT: Final = re.compile(r"--.*")


class ApiClient(StrEnum):
    """Who calls the HTTP API."""

    NOBODY = "anybody"
    PORTAL = "the portal"
    DEPARTMENT = "the department in the address"
    SOAP = "the department in the address, by SOAP"
    POSTAL = "the operator that holds the consignment's address"
    BANK = "the provider in the address"


CLIENTS: Final[Mapping[str, ApiClient]] = {
    "/openapi.json": ApiClient.NOBODY,
    "/docs": ApiClient.NOBODY,
    "/docs/oauth2-redirect": ApiClient.NOBODY,
    "/health/live": ApiClient.NOBODY,
    "/health/ready": ApiClient.NOBODY,
    "GET /soap/{code}": ApiClient.NOBODY,
    "/v1/submissions": ApiClient.PORTAL,
    "/v1/submissions/{submission_id}": ApiClient.PORTAL,
    "/v1/submissions/{submission_id}/payment.svg": ApiClient.PORTAL,
    "/v1/submissions/{submission_id}/payment.png": ApiClient.PORTAL,
    "/v1/events": ApiClient.PORTAL,
    "/v1/procedures": ApiClient.PORTAL,
    "/v1/departments/{code}/statuses": ApiClient.DEPARTMENT,
    "/v1/departments/{code}/settlements": ApiClient.DEPARTMENT,
    "/v1/departments/{code}/settlements/{settlement_id}": ApiClient.DEPARTMENT,
    "/v1/departments/{code}/settlement-answers": ApiClient.DEPARTMENT,
    "POST /soap/{code}": ApiClient.SOAP,
    "/v1/postal/callbacks/{token}": ApiClient.POSTAL,
    "/v1/banks/{code}/notifications": ApiClient.BANK,
}
"""path, or method and path → whose it is; a route that is not here makes no page"""

OWNERS_COMMANDS: Final = frozenset({"db upgrade"})
"""run as hub_owner; so does `fee prove --replay`, in temporary tables"""
WITHOUT_DATABASE: Final = frozenset(
    {
        *("up", "down", "demo", "beat", "flower", "sandbox"),
        *("keys list", "keys issue-request", "keys import", "keys rotate", "keys check-trust-list"),
        *("fee profile try",),
    }
)
"""commands that never open the database; `up` and `demo` start processes that do"""


def granted(sql: str) -> dict[tuple[str, str], dict[str, Columns]]:
    """(role, table) → privilege → the columns it is for, of every GRANT on tables in ``sql``."""
    rights: dict[tuple[str, str], dict[str, Columns]] = {}
    for privileges, _, names, roles in (grant for grant in _grants(sql) if not grant[1]):
        for role in roles:
            for table in names:
                held = rights.setdefault((role, table), {})
                for privilege, columns in _PRIVILEGE.findall(privileges):
                    before = held.get(privilege, frozenset())
                    new = frozenset(re.findall(r"\w+", columns))
                    held[privilege] = before | new if columns and before is not None else None
    return rights


def granted_objects(sql: str) -> set[tuple[str, str]]:
    """(role, function or sequence) that the role may use."""
    return {(role, name) for _, kind, names, roles in _grants(sql) if kind for role in roles for name in names}


def _grants(sql: str) -> Iterator[tuple[str, str, list[str], list[str]]]:
    """(privileges, "FUNCTION " or "SEQUENCE " or "", names, roles) of each GRANT."""
    for statement in _COMMENT.sub("", sql).split(";"):
        if match := _GRANT.fullmatch(statement.strip()):
            names = re.findall(r"\w+(?:\([^)]*\))?", match[3])
            yield match[1], match[2] or "", names, re.findall(r"\w+", match[4])


def routes() -> Iterator[tuple[str, str, ApiClient]]:
    """(method, path, whose it is) of every route. Raises KeyError for one that nobody has declared."""
    for route in application().routes:
        if isinstance(route, Route):
            for method in sorted((route.methods or set()) - {"HEAD"}):
                yield method, route.path, CLIENTS.get(f"{method} {route.path}") or CLIENTS[route.path]


def commands() -> Iterator[tuple[str, str]]:
    """(command, database role that it runs as, or "none") of every command of `hub`."""
    for name in _names(get_command(command_line), ""):
        if name in WITHOUT_DATABASE:
            yield name, "none"
        elif name in OWNERS_COMMANDS:
            yield name, "hub_owner"
        else:
            yield name, "hub_api" if name == "api" else "hub_worker"


def _names(group: object, above: str) -> Iterator[str]:
    assert isinstance(group, TyperGroup)  # noqa: S101 - `hub` and its groups
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from _names(command, f"{above}{name} ")
        else:
            yield above + name


def page() -> str:
    """The page, in Markdown."""
    sql = GRANTS.read_text(encoding="utf-8")
    rights = granted(sql)
    tables = sorted({table for _, table in rights})
    objects = granted_objects(sql)
    return "\n".join(
        [
            "# Rights · Quyền",
            "",
            "Generated by `python -m deploy.rights`; `tests/deploy/test_rights.py` tries each cell.",
            "",
            "## Database role × table",
            "",
            "From `deploy/postgres/grants.sql`. *read*, *add*, *change*: SELECT, INSERT, UPDATE; a figure: of so many",
            "columns only. Nobody but `hub_owner`, as which migrations run, deletes, truncates or creates. Beat and",
            "Flower have no role.",
            "",
            f"| table | {' | '.join(f'`{role}`' for role in ROLES)} |",
            f"| --- |{' --- |' * len(ROLES)}",
            *(
                f"| `{table}` | {' | '.join(_cell(rights.get((role, table), {})) for role in ROLES)} |"
                for table in tables
            ),
            "",
            "| function or sequence | used by |",
            "| --- | --- |",
            *(
                f"| `{name}` | {', '.join(f'`{role}`' for role in ROLES if (role, name) in objects)} |"
                for name in sorted({name for _, name in objects})
            ),
            "",
            "## Client × route",
            "",
            "Any other client gets 401 or 404, a SOAP fault or the provider's own refusal, and leaves no message.",
            "",
            "| method | route | client |",
            "| --- | --- | --- |",
            *(f"| {method} | `{path}` | {client} |" for method, path, client in routes()),
            "",
            "## Command × database role",
            "",
            "Its URL is in `HUB_DATABASE_URL`. `hub fee prove --replay` needs `hub_owner` (temporary tables).",
            "",
            "| command | role |",
            "| --- | --- |",
            *(f"| `hub {name}` | {role if role == 'none' else f'`{role}`'} |" for name, role in commands()),
            "",
        ]
    )


def _cell(held: Mapping[str, Columns]) -> str:
    words = {"SELECT": "read", "INSERT": "add", "UPDATE": "change"}
    cell = []
    for privilege, word in words.items():
        if privilege in held:
            columns = held[privilege]
            cell.append(word if columns is None else f"{word} {len(columns)}")
    return ", ".join(cell) or "–"


if __name__ == "__main__":
    sys.stdout.write(page())
