"""Codes of the Centre are reserved before a submission is handled. What was 0002 is in the baseline."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0001"


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
