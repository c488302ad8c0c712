"""`reservations stock`: bring stock in, take it away, and see where it is."""

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from service.cli.common import database, load_settings, refuse, run
from service.cli.imports import import_file
from service.cli.listing import AsJson, Limit, Organization, Page, Product, show_page
from service.cli.output import say
from service.cli.stock_shortage import say_shortage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.connect import Connection
    from db.importing import Imported, Progress, Refusal
    from db.stock import StockShown
    from db.stock_import import StockRow

app = typer.Typer(no_args_is_help=True)

_KEY = ["organization_id", "product_id", "variant_id"]
_UNITS = ["received", "on_hand", "reserved", "available", "allocated", "pooled", "sold", "short"]

DryRun: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Only say what would change, and whom it puts at risk.")
]
AllowShortage: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--allow-shortage", help="Also where units are held, sold or set aside: puts holds at risk."
    ),
]


@app.command("import")
def import_(
    file: Annotated[str, typer.Argument(help="CSV file, or - for stdin.")],
    dry_run: DryRun = False,
    allow_shortage: AllowShortage = False,
) -> None:
    """Set how many units were brought in, per stock line; all or nothing.

    Columns: organization_id,product_id,variant_id,on_hand. on_hand is the units brought in
    ALTOGETHER, or `untracked` for a line that never runs out. The same file again changes
    nothing, also in mid-sale; a larger number adds the difference. A smaller one takes what is
    available and no more, unless --allow-shortage is given: then free units of pools are taken as
    well, and the rest is short. Holds stay, but as many of them as are short are at risk, by each
    experience's policy the newest first or the oldest; an outcome says so of each. Workers wait
    meanwhile.

    Example: reservations stock import stock.csv --dry-run
    """
    from service.admin.stock_file import read_stock

    done: list[Imported | list[Refusal]] = []

    async def work(
        connection: "Connection", rows: "Sequence[Any]", dry_run: bool, progress: "Progress"
    ) -> "Imported | list[Refusal]":
        from db.stock_import import import_stock

        done.append(
            await import_stock(
                connection, rows, dry_run=dry_run, allow_shortage=allow_shortage, progress=progress
            )
        )
        return done[0]

    import_file(file, read_stock, work, things="stock lines", columns=_KEY, dry_run=dry_run)
    say_shortage(done[0], dry_run=dry_run)


@app.command("set")
def set_(
    organization: Annotated[str, typer.Argument(help="Organization id.")],
    product: Annotated[str, typer.Argument(help="Product id.")],
    on_hand: Annotated[str, typer.Option(help="Units brought in ALTOGETHER, or untracked.")],
    variant: Annotated[str, typer.Option(help="Variant id.")] = "",
    dry_run: DryRun = False,
    allow_shortage: AllowShortage = False,
) -> None:
    """Set how many units were brought in, for one stock line: as `stock import` does for many.

    Example: reservations stock set org_1 moon-lamp --on-hand 40 --allow-shortage --dry-run
    """
    from service.admin.problems import BadFile
    from service.admin.stock_file import stock_row

    settings = load_settings()
    try:
        row = stock_row(organization, product, variant, on_hand)
    except BadFile as error:
        refuse(*error.problems, "nothing was changed")

    async def work() -> "Imported | list[Refusal]":
        from db.stock_import import import_stock

        async with database(settings, "stock set") as connection:
            return await import_stock(
                connection, [row], dry_run=dry_run, allow_shortage=allow_shortage
            )

    done = run(work())
    if isinstance(done, list):
        refuse(*(f"{found.column}: {found.problem}" for found in done), "nothing was changed")
    _say_set(row, done, dry_run)
    say_shortage(done, dry_run=dry_run)


def _say_set(row: "StockRow", done: "Imported", dry_run: bool) -> None:
    name = "/".join(filter(None, row[1:4]))
    if not done.changes:
        say(f"nothing to do: {name} is so already")
        return
    (change,) = done.changes
    verb = "would set" if dry_run else "set"
    say(f"{verb} {name}: {change.before or 'new'} -> {change.after}")


@app.command()
def show(
    organization: Organization = None,
    product: Product = None,
    limit: Limit = 50,
    page: Page = 1,
    as_json: AsJson = False,
) -> None:
    """Show stock lines: received = on_hand + allocated + pooled + sold - short.

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
