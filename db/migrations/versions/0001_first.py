"""The first schema."""

from db.migrate import run_file

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    run_file("0001_first.sql")
