"""Broker and database as docs/runbooks/install-server-stack.md installs them: a user for each role."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from deploy.rabbitmq import definitions
from tests.rabbitmq import RabbitMQ

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
DATABASE_ROLES: Final = ("hub_owner", "hub_api", "hub_worker", "hub_reader")
PASSWORDS: Final = {role: secrets.token_urlsafe(16) for role in (*definitions.ROLES, *DATABASE_ROLES)}


def broker_url(broker: RabbitMQ, role: str) -> str:
    return broker.url_of(definitions.user(role), PASSWORDS[role], definitions.VHOST)


def database_url_as(server: str, database: str, role: str | None = None) -> str:
    """The URL of ``database`` on ``server``, as a role of ours or (None) as its superuser."""
    scheme, _, rest = server.partition("://")
    account, _, host = rest.rpartition("@")
    return f"{scheme}://{f'{role}:{PASSWORDS[role]}' if role else account}@{host.rpartition('/')[0]}/{database}"


def run_script(url: str, name: str) -> None:
    with psycopg.connect(url) as conn:
        conn.execute((DEPLOY / "postgres" / name).read_bytes())


def make_roles(url: str) -> None:
    """roles.sql, and a password for each: what a superuser does once."""
    run_script(url, "roles.sql")
    with psycopg.connect(url) as conn:
        for role in DATABASE_ROLES:
            password = sql.Literal(PASSWORDS[role])
            conn.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), password))


@contextmanager
def a_database(server: str, *, template: str) -> Iterator[str]:
    """The name of a new database on ``server``, like ``template``: "hub" is migrated, "template1" is empty."""
    name = f"deploy_{secrets.token_hex(4)}"
    with psycopg.connect(database_url_as(server, "postgres"), autocommit=True) as admin:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        admin.execute(create)
        yield name
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
