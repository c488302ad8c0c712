"""What pruning leaves behind: how far it went, and the units that pruned reservations had sold."""

from db.migrate import run_file

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add a column, two tables and a view; nothing that is there changes."""
    run_file("0005_pruning.sql")
