"""Dead letters as a view, and which of them were replayed."""

from db.migrate import run_file

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the view and the table; nothing that is there changes."""
    run_file("0003_dead_letters.sql")
