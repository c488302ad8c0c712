"""What Alembic runs for every command: connects, or prints; see `db.migrate`."""

from typing import Any

import psycopg
from alembic import context
from alembic.runtime.migration import MigrationInfo
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from db.migrate_locks import LOCK_KEY, LOCK_SECONDS, OTHER_MIGRATION_SECONDS, take_turn


def _connect() -> psycopg.Connection:
    # The URL goes to libpq as it is: no second reading of it that might differ.
    return psycopg.connect(
        context.config.attributes["database_url"],
        connect_timeout=10,
        application_name="reservations migrate",
    )


def _note(ctx: Any, step: MigrationInfo, heads: Any, run_args: Any) -> None:
    context.config.attributes["applied"].append(step.up_revision_id)


def _run_online() -> None:
    engine = create_engine("postgresql+psycopg://", creator=_connect, poolclass=NullPool)
    with engine.connect() as connection:
        take_turn(connection, context.config.attributes["on_wait"])
        context.configure(
            connection=connection, transaction_per_migration=True, on_version_apply=_note
        )
        with context.begin_transaction():
            context.run_migrations()


def _run_offline() -> None:
    context.configure(dialect_name="postgresql", transaction_per_migration=True)
    # The same waits as above, for whoever runs what is printed: by one, and none for long.
    context.static_output(
        f"SET lock_timeout = '{OTHER_MIGRATION_SECONDS}s';\n"
        f"SELECT pg_advisory_lock({LOCK_KEY});\n"
        f"SET lock_timeout = '{LOCK_SECONDS}s';\n"
    )
    with context.begin_transaction():
        context.run_migrations()
    context.static_output(f"SELECT pg_advisory_unlock({LOCK_KEY});\nRESET lock_timeout;\n")


if context.is_offline_mode():
    _run_offline()
else:
    _run_online()
