"""`reservations policy`: the rules by which experiences hold stock."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.imports import import_file
from service.cli.listing import AsJson, Experience, Limit, Organization, Page, show_page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from db.connect import Connection
    from db.importing import Imported, Progress
    from db.policies import PolicyRow

app = typer.Typer(no_args_is_help=True)

_KEY = ["organization_id", "experience_id"]
_LIMITS = ["units_per_sku_max", "units_per_experience_max", "open_holds_max"]


@app.command("import")
def import_(
    file: Annotated[str, typer.Argument(help="TOML file, or - for stdin.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
) -> None:
    """Set the policies of experiences; those that the file does not name stay.

    One table [[experience]] each, with organization_id, experience_id and any of: strategy
    ("soft", "hard", "pool"), cart ("per_line", "all_or_nothing"), items = [{product_id = "...",
    quantity = 1}]; window_seconds = {queue = 600, ...}, buffer_seconds, hold_seconds_max,
    extensions_max, extension_seconds_max, early_fact_seconds; release_allowed, transfer_allowed;
    late_seconds, oversell_units, restock_cancelled; units_per_sku_max, units_per_experience_max,
    open_holds_max; at_risk_first ("newest", "oldest"). deploy/examples/policy.toml explains each.
    Holds that are active keep the end they have.

    Example: reservations policy import policies.toml
    """
    import_file(file, _read, _import, things="policies", columns=_KEY, dry_run=dry_run)


def _read(source: str, data: bytes, progress: "Callable[[int], None]") -> "list[PolicyRow]":
    from service.admin.policy_file import read_policies

    return read_policies(source, data)


async def _import(
    connection: "Connection", rows: "Sequence[Any]", dry_run: bool, progress: "Progress"
) -> "Imported":
    from db.policies import import_policies

    return await import_policies(connection, rows, dry_run=dry_run)


@app.command()
def show(
    organization: Organization = None,
    experience: Experience = None,
    limit: Limit = 50,
    page: Page = 1,
    as_json: AsJson = False,
) -> None:
    """Show policies as they apply, with the defaults of what was left out; --json shows all.

    Example: reservations policy show --organization org_1
    """

    async def fetch(connection: "Connection", limit: int, offset: int) -> "list[PolicyRow]":
        from db.policies import show_policies

        return await show_policies(
            connection,
            organization_id=organization,
            experience_id=experience,
            limit=limit,
            offset=offset,
        )

    columns = [*_KEY, "strategy", "cart", "window_seconds", "buffer_seconds", "limits", "items"]
    to_row = _as_applied if as_json else _in_short
    show_page(fetch, to_row, columns, limit=limit, page=page, as_json=as_json)


def _as_applied(row: "PolicyRow") -> dict[str, Any]:
    key = {"organization_id": row.organization_id, "experience_id": row.experience_id}
    return key | row.policy.model_dump(mode="json")


def _in_short(row: "PolicyRow") -> dict[str, Any]:
    """Put the windows, the limits and the items of a policy into a cell each."""
    shown = _as_applied(row)
    windows = ", ".join(f"{name} {seconds}" for name, seconds in shown["window_seconds"].items())
    items = ", ".join(
        f"{item['quantity']} × {'/'.join(filter(None, (item['product_id'], item['variant_id'])))}"
        for item in shown["items"]
    )
    limits = ", ".join(
        f"{name.removesuffix('_max')} {shown[name]}" for name in _LIMITS if shown[name] is not None
    )
    return shown | {"window_seconds": windows, "limits": limits or "-", "items": items or "-"}
