"""Nothing. Databases are stamped with this number; what it was kept for came with later ones."""

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """No change."""
