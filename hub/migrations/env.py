"""Alembic's entry: runs the steps on the URL that ``hub db upgrade`` gives, under a lock time-out."""

from alembic import context
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool


def run() -> None:
    url = context.config.attributes["database_url"].replace("postgresql://", "postgresql+psycopg://", 1)
    with create_engine(url, poolclass=NullPool).connect() as connection:
        context.configure(connection=connection, transaction_per_migration=True)
        with context.begin_transaction():
            connection.execute(text("SET LOCAL lock_timeout = '10s'"))
            context.run_migrations()


run()
