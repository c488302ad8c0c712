"""How a command imports a file: read and check it, change all or nothing, say what was done."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from service.cli.common import database, load_settings, read_input, refuse, run
from service.cli.output import progress, say, say_table

if TYPE_CHECKING:
    from db.connect import Connection
    from db.importing import Imported, Progress, Refusal

    Read = Callable[[str, bytes, Callable[[int], None]], Sequence[Any]]
    Write = Callable[
        [Connection, Sequence[Any], bool, Progress], Awaitable[Imported | list[Refusal]]
    ]

Row = TypeVar("Row")


def import_file(
    path: str, read: "Read", write: "Write", *, things: str, columns: Sequence[str], dry_run: bool
) -> None:
    """Import ``path``, or stdin for "-". ``columns`` name the key of what is imported."""
    from service.admin.problems import BadFile

    settings = load_settings()
    source, data = read_input(path)
    with progress() as report:
        try:
            rows = read(source, data, lambda done: report("reading", done, 0))
        except BadFile as error:
            refuse(*error.problems, "nothing was imported")

        async def work() -> "Imported | list[Refusal]":
            async with database(settings, "import") as connection:
                return await write(connection, rows, dry_run, report)

        result = run(work())
    if isinstance(result, list):
        places = [f"{source}:{found.line}:{found.column}: {found.problem}" for found in result]
        refuse(*places, "nothing was imported")
    _say_result(result, source, things, columns, dry_run)


def _say_result(
    result: "Imported", source: str, things: str, columns: Sequence[str], dry_run: bool
) -> None:
    """Print the sum of it, and for a dry run the first changes."""
    units = f", {result.units:+d} units" if result.units else ""
    verb = "would import" if dry_run else "imported"
    say(
        f"{verb} {source}: {result.new} {things} new, {result.changed} changed, "
        f"{result.unchanged} unchanged{units}"
    )
    if dry_run and result.changes:
        say_table(
            [
                dict(zip(columns, change.key, strict=True))
                | {"before": change.before, "after": change.after}
                for change in result.changes
            ],
            [*columns, "before", "after"],
        )
        if (more := result.new + result.changed - len(result.changes)) > 0:
            say(f"and {more} more")
