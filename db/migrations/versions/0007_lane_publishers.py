"""Who may still publish for a lane, so that its next owner can fence them."""

from db.migrate import run_file

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add a table; nothing that is there changes."""
    run_file("0007_lane_publishers.sql")
