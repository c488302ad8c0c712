"""Bring the schema to this version: numbered SQL files, run as they are, by Alembic.

Revisions are numbers with leading zeros, in one line without branches: "behind" is "smaller".
Alembic is imported only where it runs, so that a worker can ask for the revision at no cost.
"""

import io
from pathlib import Path
from typing import Any, Final, Literal

from db.connect import Connection
from db.migrate_locks import LOCK_SECONDS, OTHER_MIGRATION_SECONDS, OnWait, quiet, try_again

_MIGRATIONS: Final = Path(__file__).parent / "migrations"

SchemaState = Literal["missing", "behind", "current", "ahead"]


def head_revision() -> str:
    """Give the revision that this version of the code was written for."""
    return revisions()[-1]


def revisions() -> list[str]:
    """Give all revisions, the first one first."""
    return sorted(path.name[:4] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


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


def upgrade(database_url: str, to: str = "head", on_wait: OnWait = quiet) -> list[str]:
    """Upgrade, and give the revisions that were applied: none the second time.

    Each migration is a transaction of its own: done, or undone. A second process that migrates
    waits for the first. No lock is waited for longer than a moment, for whoever uses the table
    would wait behind it: the migration lets go, and tries again. `on_wait` is told of each wait.
    Raises MigrationBusy where that was in vain: it is safe to run it again.
    Blocking, and one at a time in a process: Alembic keeps its context in globals.
    """
    from alembic import command

    applied: list[str] = []
    config = _config(database_url=database_url, applied=applied, on_wait=on_wait)
    try_again(lambda: command.upgrade(config, to), database_url, on_wait)
    return applied


def upgrade_sql(since: str | None = None) -> str:
    """Give the SQL of the migrations after a revision; of all where it is None.

    For those who may not let a program change a schema. Raises ValueError for no revision of ours.
    """
    from alembic import command

    if since is not None and since not in revisions():
        raise ValueError(since)
    sql = io.StringIO()
    command.upgrade(_config(output=sql), f"{since}:head" if since else "head", sql=True)
    return sql.getvalue()


def run_file(name: str) -> None:
    """Run one SQL file as it is, from within a migration: no placeholder, no parameter."""
    _run((_MIGRATIONS / name).read_text(encoding="utf-8"))


def run_alone(name: str) -> None:
    """Run the statements of one SQL file one by one, outside of any transaction.

    It has to be a migration that can be run again where it was done in part. Nobody waits behind
    an index that is built concurrently, so that may wait for as long as another migration.
    """
    from alembic import op

    sql = (_MIGRATIONS / name).read_text(encoding="utf-8")
    with op.get_context().autocommit_block():
        _run(f"SET lock_timeout = '{OTHER_MIGRATION_SECONDS}s';\n")
        for statement in sql.strip().removesuffix(";").split(";\n"):
            _run(f"{statement};\n")
        _run(f"SET lock_timeout = '{LOCK_SECONDS}s';\n")


def _run(sql: str) -> None:
    from alembic import op

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
