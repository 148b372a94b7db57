"""The embedded PostgreSQL writes its log for us alone, and no value of a row or a key into it."""

import stat
from pathlib import Path

import psycopg
import pytest


def test_a_violated_key_does_not_stand_in_the_log(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        [data] = conn.execute("SHOW data_directory").fetchone() or [""]
        for _ in range(2):
            conn.execute("INSERT INTO counterparty (code) VALUES ('portal.so-037299123456') ON CONFLICT DO NOTHING")
        with pytest.raises(psycopg.errors.UniqueViolation):
            conn.execute("INSERT INTO counterparty (code) VALUES ('portal.so-037299123456')")
    log = Path(data).parent / "postgres.log"

    text = log.read_text(encoding="utf-8")
    assert "duplicate key value violates unique constraint" in text
    assert "037299123456" not in text
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
