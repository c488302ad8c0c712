"""The index that pruning finds the oldest admissions by, built beside a sale."""

from db.migrate import run_alone

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add an index; nobody who writes waits for it. What a failed attempt left goes first."""
    run_alone("0006_admissions_by_age.sql")
