"""`reservations migrate`: bring the schema of the database to this version."""

from typing import Annotated

import typer

from service.cli.common import (
    any_database,
    database,
    load_settings,
    misconfigured,
    refuse,
    run,
)
from service.cli.output import say


def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit code 2 where it is behind.")
    ] = False,
    sql: Annotated[
        bool, typer.Option("--sql", help="Print the SQL of all migrations, and connect to nothing.")
    ] = False,
) -> None:
    """Bring the schema of the database to this version. Safe to repeat, and to run twice at once.

    Example: reservations migrate --check || reservations migrate
    """
    if check and sql:
        refuse("--check and --sql exclude each other")
    if sql:
        _print_sql()
    elif check:
        _check()
    else:
        _upgrade()


def _print_sql() -> None:
    from db.migrate import upgrade_sql

    say(upgrade_sql())


def _check() -> None:
    from db.migrate import current_revision

    settings = load_settings()

    async def work() -> str | None:
        async with database(settings, "migrate") as connection:
            return await current_revision(connection)

    say(f"schema is at {run(work())}")


def _upgrade() -> None:
    from sqlalchemy.exc import DBAPIError

    from db.migrate import head_revision, schema_state, upgrade

    settings = load_settings()

    async def state() -> str:
        async with any_database(settings, "migrate") as connection:
            return await schema_state(connection)

    if run(state()) == "ahead":
        say(f"nothing to do: the schema is newer than this version, which needs {head_revision()}")
        return
    try:
        applied = upgrade(settings.database_url.get_secret_value())
    except DBAPIError as error:
        misconfigured(
            f"the migration failed and was rolled back: {str(error.orig).splitlines()[0]}"
        )
    say(f"migrated: {', '.join(applied)}" if applied else f"nothing to do: at {head_revision()}")
