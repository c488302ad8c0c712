"""`reservations pool`: set stock aside for an experience, and give it back."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.common import database, load_settings, run
from service.cli.imports import import_file
from service.cli.listing import AsJson, Experience, Limit, Organization, Page, Product, show_page
from service.cli.output import note, say, say_json, say_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.connect import Connection
    from db.importing import Imported, Progress, Refusal
    from db.pools import Drained, PoolShown

app = typer.Typer(no_args_is_help=True)

_KEY = ["organization_id", "experience_id", "product_id", "variant_id"]
_COLUMNS = [*_KEY, "filled", "available", "allocated", "sold"]


@app.command()
def fill(
    file: Annotated[str, typer.Argument(help="CSV file, or - for stdin.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
) -> None:
    """Set how many units are set aside for experiences; all or nothing.

    Columns: organization_id,experience_id,product_id,variant_id,units. units is what is set aside
    ALTOGETHER: the difference moves between the stock line and the pool, and the same file
    again moves nothing.

    Example: reservations pool fill pools.csv --dry-run
    """
    from service.admin.pool_file import read_pools

    import_file(file, read_pools, _fill, things="pools", columns=_KEY, dry_run=dry_run)


async def _fill(
    connection: "Connection", rows: "Sequence[Any]", dry_run: bool, progress: "Progress"
) -> "Imported | list[Refusal]":
    from db.pool_fill import fill_pools

    found = await fill_pools(connection, rows, dry_run=dry_run, progress=progress)
    if not isinstance(found, list):
        await _warn(connection, sorted({row[1:3] for row in rows if row.units}))
    return found


async def _warn(connection: "Connection", experiences: "list[tuple[str, str]]") -> None:
    """Say which experiences sell from no pool: their units would lie there, and sell nowhere."""
    from db.policies import load_policies
    from schemas.policy import DEFAULT_POLICY

    policies = await load_policies(connection, experiences)
    for experience in experiences:
        strategy = policies.get(experience, DEFAULT_POLICY).strategy
        if strategy != "pool":
            why = f"its policy says '{strategy}'" if experience in policies else "it has no policy"
            note(f"{'/'.join(experience)} sells from no pool: {why}; see `reservations policy`")


@app.command()
def drain(
    organization: Annotated[str, typer.Option(help="Organization id.")],
    experience: Annotated[str, typer.Option(help="Experience id.")],
    product: Annotated[str | None, typer.Option(help="Only this product id.")] = None,
    variant: Annotated[str | None, typer.Option(help="Only this variant id.")] = None,
    as_json: AsJson = False,
) -> None:
    """Give what is available in the pools of an experience back to the stock lines.

    Held units stay until their holds end: drain again then.

    Example: reservations pool drain --organization org_1 --experience exp_1
    """
    settings = load_settings()

    async def work() -> "list[Drained]":
        from db.pools import drain_pools

        async with database(settings, "pool drain") as connection:
            return await drain_pools(
                connection,
                organization_id=organization,
                experience_id=experience,
                product_id=product,
                variant_id=variant,
            )

    drained = [moved._asdict() for moved in run(work())]
    if as_json:
        say_json(drained)
    elif drained:
        say_table(drained, ["product_id", "variant_id", "units"])
    else:
        say("nothing to move")


@app.command()
def show(
    organization: Organization = None,
    experience: Experience = None,
    product: Product = None,
    limit: Limit = 50,
    page: Page = 1,
    as_json: AsJson = False,
) -> None:
    """Show pools: filled = available + allocated + sold.

    Example: reservations pool show --experience exp_1
    """

    async def fetch(connection: "Connection", limit: int, offset: int) -> "list[PoolShown]":
        from db.pools import show_pools

        return await show_pools(
            connection,
            organization_id=organization,
            experience_id=experience,
            product_id=product,
            limit=limit,
            offset=offset,
        )

    show_page(fetch, lambda pool: pool._asdict(), _COLUMNS, limit=limit, page=page, as_json=as_json)
