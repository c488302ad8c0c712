"""The facts of an admission, and what may become of its units beside being sold."""

from db.migrate import run_file

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Change the tables, and put what rows say into the form that they have now."""
    run_file("0002_facts.sql")
