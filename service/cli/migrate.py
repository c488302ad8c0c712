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
    role: Annotated[
        str,
        typer.Option(
            "--role", metavar="NAME", help="Then let this role do what workers and commands do."
        ),
    ] = "",
) -> None:
    """Bring the schema of the database to this version. Safe to repeat, and to run twice at once.

    With --role as the owner of the tables: workers need a role that can do much less.

    Example: reservations migrate --check || reservations migrate --role reservations
    """
    if check and (sql or role):
        refuse("--check excludes --sql and --role")
    if sql:
        _print_sql(role)
    elif check:
        _check()
    else:
        _upgrade()
        if role:
            _grant(role)


def _print_sql(role: str) -> None:
    from db.migrate import upgrade_sql
    from db.role import grants_sql

    say(upgrade_sql())
    if role:
        say(grants_sql(role))


def _grant(role: str) -> None:
    from asyncpg import UndefinedObjectError

    from db.role import grant

    settings = load_settings()

    async def work() -> None:
        async with database(settings, "migrate") as connection:
            try:
                may = await grant(connection, role)
            except UndefinedObjectError:
                refuse(f"there is no role {role}: CREATE ROLE ... LOGIN PASSWORD '...' first")
            if not may:
                refuse("nothing was granted: only the role that owns the tables can")

    run(work())
    say(f"granted to {role}: what workers and commands need")


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
