"""Nothing. Databases are stamped with this number; what it was kept for came with later ones."""

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """No change."""
