"""`reservations stock`: bring stock in, and see where it is."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.imports import import_file
from service.cli.listing import AsJson, Limit, Organization, Page, Product, show_page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.connect import Connection
    from db.importing import Imported, Progress, Refusal
    from db.stock import StockShown

app = typer.Typer(no_args_is_help=True)

_KEY = ["organization_id", "product_id", "variant_id"]
_UNITS = ["received", "on_hand", "reserved", "available", "allocated", "pooled", "sold"]


@app.command("import")
def import_(
    file: Annotated[str, typer.Argument(help="CSV file, or - for stdin.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
) -> None:
    """Set how many units were brought in, per stock line; all or nothing.

    Columns: organization_id,product_id,variant_id,on_hand. on_hand is the units brought in
    ALTOGETHER, or `untracked` for a line that never runs out. The same file again changes
    nothing, also in mid-sale; a larger number adds the difference.

    Example: reservations stock import stock.csv --dry-run
    """
    from service.admin.stock_file import read_stock

    import_file(file, read_stock, _import, things="stock lines", columns=_KEY, dry_run=dry_run)


async def _import(
    connection: "Connection", rows: "Sequence[Any]", dry_run: bool, progress: "Progress"
) -> "Imported | list[Refusal]":
    from db.stock_import import import_stock

    return await import_stock(connection, rows, dry_run=dry_run, progress=progress)


@app.command()
def show(
    organization: Organization = None,
    product: Product = None,
    limit: Limit = 50,
    page: Page = 1,
    as_json: AsJson = False,
) -> None:
    """Show stock lines: received = on_hand + allocated + pooled + sold.

    Example: reservations stock show --product moon-lamp --json
    """

    async def fetch(connection: "Connection", limit: int, offset: int) -> "list[StockShown]":
        from db.stock import show_stock

        return await show_stock(
            connection,
            organization_id=organization,
            product_id=product,
            limit=limit,
            offset=offset,
        )

    show_page(
        fetch,
        lambda line: line._asdict(),
        [*_KEY, "tracked", *_UNITS],
        limit=limit,
        page=page,
        as_json=as_json,
    )
