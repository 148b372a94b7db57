"""The database's history: numbered steps of plain SQL, each in one transaction (alembic)."""
