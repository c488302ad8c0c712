"""What `reconcile` did, for whoever asks later, and for a lane to tell."""

from db.migrate import run_file

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add a table; nothing that is there changes."""
    run_file("0004_adjustments.sql")
