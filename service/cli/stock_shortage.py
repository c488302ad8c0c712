"""What a command says of stock that it took from holds, or gave back to them."""

from typing import TYPE_CHECKING

from schemas.text import counted
from service.cli.output import say, say_table

if TYPE_CHECKING:
    from db.importing import Imported, Refusal

_COLUMNS = [
    *("organization_id", "experience_id", "consumer_id", "admission_id"),
    *("product_id", "variant_id", "quantity", "at_risk"),
]


def say_shortage(done: "Imported | list[Refusal]", *, dry_run: bool) -> None:
    """Print what became short, which holds are at risk, and what is there again."""
    if isinstance(done, list) or (shortage := done.shortage) is None:
        return

    def so_many(count: int, noun: str) -> str:
        verb = "would be" if dry_run else "is" if count == 1 else "are"
        return f"{counted(count, noun)} {verb}"

    if shortage.units_from_pools:
        say(f"{so_many(shortage.units_from_pools, 'free unit')} taken out of pools")
    if shortage.units:
        lines = counted(shortage.lines, "stock line")
        say(f"{so_many(shortage.units, 'unit')} short, on {lines}")
    if shortage.holds:
        units = counted(shortage.units_at_risk, "unit")
        say(f"{so_many(shortage.holds, 'hold')} at risk, for {units}:")
        say_table([hold._asdict() for hold in shortage.first], _COLUMNS)
        if (more := shortage.holds - len(shortage.first)) > 0:
            say(f"and {more} more")
    if shortage.units_sold_beyond:
        say(
            f"{so_many(shortage.units_sold_beyond, 'unit')} sold beyond what is there: "
            "no hold can be named for them, orders are short of them"
        )
    if shortage.units_covered:
        say(
            f"of what was short {so_many(shortage.units_covered, 'unit')} there again, "
            f"{so_many(shortage.holds_relieved, 'hold')} less at risk"
        )
