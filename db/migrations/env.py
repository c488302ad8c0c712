"""What Alembic runs for every command: connects, or prints; see `db.migrate`."""

from typing import Any

import psycopg
from alembic import context
from alembic.runtime.migration import MigrationInfo
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from db.migrate import LOCK_KEY


def _connect() -> psycopg.Connection:
    # The URL goes to libpq as it is: no second reading of it that might differ.
    return psycopg.connect(
        context.config.attributes["database_url"],
        connect_timeout=10,
        application_name="reservations migrate",
    )


def _wait_for_other_migrations(connection: Connection) -> None:
    # A lock of the session, not of a transaction: every migration commits on its own.
    connection.exec_driver_sql(f"SELECT pg_advisory_lock({LOCK_KEY})")
    # A table lock that does not come would queue all who use the table behind it.
    connection.exec_driver_sql("SET lock_timeout = '10s'")
    connection.commit()


def _note(ctx: Any, step: MigrationInfo, heads: Any, run_args: Any) -> None:
    context.config.attributes["applied"].append(step.up_revision_id)


def _run_online() -> None:
    engine = create_engine("postgresql+psycopg://", creator=_connect, poolclass=NullPool)
    with engine.connect() as connection:
        _wait_for_other_migrations(connection)
        context.configure(
            connection=connection, transaction_per_migration=True, on_version_apply=_note
        )
        with context.begin_transaction():
            context.run_migrations()


def _run_offline() -> None:
    context.configure(dialect_name="postgresql", transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    _run_offline()
else:
    _run_online()
