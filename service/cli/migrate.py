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
from service.cli.output import note, say


def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit code 1 where it is behind.")
    ] = False,
    sql: Annotated[
        bool, typer.Option("--sql", help="Change nothing; print the SQL that would be run.")
    ] = False,
    since: Annotated[
        str,
        typer.Option(
            "--since",
            metavar="REVISION",
            help="With --sql: of a database at 0002, say; or at none.",
        ),
    ] = "",
    role: Annotated[
        str,
        typer.Option(
            "--role", metavar="NAME", help="Then let this role do what workers and commands do."
        ),
    ] = "",
    prunes: Annotated[
        bool, typer.Option("--prunes", help="Let the role also delete what is over.")
    ] = False,
) -> None:
    """Bring the schema of the database to this version. Safe to repeat, and to run twice at once.

    Workers may go on, those of the version before as well, where the changelog says no other.
    Each migration is done or undone. A second process waits for the first. For a table that is
    in use a migration waits a second, so that nobody waits behind it for longer, and then tries
    again, ten times; exit code 1 if that was in vain: run it again.

    --check gives 0 where nothing is to be done, 1 where the schema is behind or missing, and 2
    where the database cannot be asked. --sql asks the database where it is; with --since it
    connects to nothing (--since none: all migrations).

    With --role as the owner of the tables: workers need a role that can do much less.

    Example: reservations migrate --check || reservations migrate --role reservations
    """
    if check and (sql or role):
        refuse("--check excludes --sql and --role")
    if since and not sql:
        refuse("--since says where --sql begins: it needs --sql")
    if prunes and not role:
        refuse("--prunes is of a role: say which with --role")
    if sql:
        _print_sql(since, role, prunes)
    elif check:
        _check()
    else:
        _upgrade()
        if role:
            _grant(role, prunes)


def _print_sql(since: str, role: str, prunes: bool) -> None:
    from db.migrate import head_revision, revisions, upgrade_sql
    from db.role import grants_sql

    if since:
        at = None if since == "none" else since
    else:
        at = min(_revision() or "", head_revision()) or None
    if at == head_revision():
        note(f"nothing to do: at {at}")
    else:
        try:
            say(upgrade_sql(at))
        except ValueError:
            refuse(f"--since: no revision {at}; expected none or one of {', '.join(revisions())}")
    if role:
        say(grants_sql(role, prunes=prunes))


def _revision() -> str | None:
    """Ask the database for its revision."""
    from db.migrate import current_revision

    settings = load_settings()

    async def work() -> str | None:
        async with any_database(settings, "migrate") as connection:
            return await current_revision(connection)

    return run(work())


def _grant(role: str, prunes: bool) -> None:
    from asyncpg import UndefinedObjectError

    from db.role import grant

    settings = load_settings()

    async def work() -> None:
        async with database(settings, "migrate") as connection:
            try:
                may = await grant(connection, role, prunes=prunes)
            except UndefinedObjectError:
                refuse(f"there is no role {role}: CREATE ROLE ... LOGIN PASSWORD '...' first")
            if not may:
                refuse("nothing was granted: only the role that owns the tables can")

    run(work())
    more = ", and to prune" if prunes else ""
    say(f"granted to {role}: what workers and commands need{more}")


def _check() -> None:
    from db.migrate import head_revision, revisions

    at = _revision()
    if at is not None and at >= head_revision():
        say(f"schema is at {at}")
        return
    missing = ", ".join(one for one in revisions() if at is None or one > at)
    where = "the database has no schema yet" if at is None else f"schema is behind: it is at {at}"
    refuse(f"{where}; `reservations migrate` would apply {missing}")


def _upgrade() -> None:
    from sqlalchemy.exc import DBAPIError

    from db.migrate import head_revision, upgrade
    from db.migrate_locks import MigrationBusy

    settings = load_settings()
    at = _revision()
    if at is not None and at > head_revision():
        say(f"nothing to do: the schema is newer than this version, which needs {head_revision()}")
        return
    try:
        applied = upgrade(settings.database_url.get_secret_value(), on_wait=note)
    except MigrationBusy as error:
        refuse(f"{error}; what is not applied has changed nothing: run it again")
    except DBAPIError as error:
        misconfigured(
            f"the migration failed and was rolled back: {str(error.orig).splitlines()[0]}"
        )
    say(f"migrated: {', '.join(applied)}" if applied else f"nothing to do: at {head_revision()}")
