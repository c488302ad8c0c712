"""Bring the schema to this version: numbered SQL files, run as they are, by Alembic.

Revisions are numbers with leading zeros, in one line without branches: "behind" is "smaller".
Alembic is imported only where it runs, so that a worker can ask for the revision at no cost.
"""

import io
from pathlib import Path
from typing import Any, Final, Literal

from db.connect import Connection

_MIGRATIONS: Final = Path(__file__).parent / "migrations"

# Any number will do: it only has to be the same in every process that migrates.
LOCK_KEY: Final = 4_267_331_001

SchemaState = Literal["missing", "behind", "current", "ahead"]


def head_revision() -> str:
    """Give the revision that this version of the code was written for."""
    return max(path.name[:4] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


async def current_revision(connection: Connection) -> str | None:
    """Give the revision that the database is at, or None where nothing was migrated yet."""
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    return revision


async def schema_state(connection: Connection) -> SchemaState:
    """Compare the database with the code.

    "ahead" is no error: a newer version was rolled out beside this one, and migrations keep what
    the version before them needs.
    """
    current, head = await current_revision(connection), head_revision()
    if current is None:
        return "missing"
    if current == head:
        return "current"
    return "behind" if current < head else "ahead"


def upgrade(database_url: str) -> list[str]:
    """Upgrade to the head, and give the revisions that were applied: none the second time.

    Each migration is a transaction of its own. A second process that migrates waits for the first.
    Blocking, and one at a time in a process: Alembic keeps its context in globals.
    """
    from alembic import command

    applied: list[str] = []
    command.upgrade(_config(database_url=database_url, applied=applied), "head")
    return applied


def upgrade_sql() -> str:
    """Give the SQL of all migrations, for those who may not let a program change a schema."""
    from alembic import command

    sql = io.StringIO()
    command.upgrade(_config(output=sql), "head", sql=True)
    return sql.getvalue()


def run_file(name: str) -> None:
    """Run one SQL file as it is, from within a migration: no placeholder, no parameter."""
    from alembic import op

    sql = (_MIGRATIONS / name).read_text(encoding="utf-8")
    context = op.get_context()
    if context.as_sql:
        context.impl.static_output(sql)
    else:
        op.get_bind().execution_options(no_parameters=True).exec_driver_sql(sql)


def _config(output: io.StringIO | None = None, **attributes: Any) -> Any:
    """Configure Alembic without a file, so that it works from an installed package."""
    from alembic.config import Config

    config = Config(output_buffer=output)
    # Percent signs are doubled because Alembic interpolates its options.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes.update(attributes)
    return config
