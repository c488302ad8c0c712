"""How a command shows rows of the database: a page of them, as a table or as JSON."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from service.cli.common import database, load_settings, run
from service.cli.output import note, say_json, say_table

if TYPE_CHECKING:
    from db.connect import Connection

    # Gives rows from an offset on, at most a limit.
    Fetch = Callable[[Connection, int, int], Awaitable[Sequence[Any]]]

Limit: TypeAlias = Annotated[int, typer.Option(min=1, max=10_000, help="Rows on a page.")]
Page: TypeAlias = Annotated[int, typer.Option(min=1, help="Which page, from 1.")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print a JSON array.")]
AsJsonObject: TypeAlias = Annotated[bool, typer.Option("--json", help="Print a JSON object.")]
Organization: TypeAlias = Annotated[str | None, typer.Option(help="Only of this organization id.")]
Experience: TypeAlias = Annotated[str | None, typer.Option(help="Only of this experience id.")]
Product: TypeAlias = Annotated[str | None, typer.Option(help="Only of this product id.")]


def show_page(
    fetch: "Fetch",
    to_row: Callable[[Any], dict[str, Any]],
    columns: Sequence[str],
    *,
    limit: int,
    page: int,
    as_json: bool,
) -> None:
    """Print a page, and on stderr that there are more."""
    settings = load_settings()

    async def work() -> Sequence[Any]:
        async with database(settings, "show") as connection:
            return await fetch(connection, limit + 1, (page - 1) * limit)

    found = run(work())
    rows = [to_row(row) for row in found[:limit]]
    if as_json:
        say_json(rows)
    elif rows:
        say_table(rows, columns)
    else:
        note("nothing to show")
    if len(found) > limit:
        note(f"there are more: --page {page + 1}, or a higher --limit")
