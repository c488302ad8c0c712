"""What a command says of stock that it took from holds, or gave back to them."""

from typing import TYPE_CHECKING

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
    verb = "would be" if dry_run else "are"
    if shortage.units_from_pools:
        say(f"{shortage.units_from_pools} free units {verb} taken out of pools")
    if shortage.units:
        say(f"{shortage.units} units {verb} short, on {shortage.lines} stock lines")
    if shortage.holds:
        say(f"{shortage.holds} holds {verb} at risk, for {shortage.units_at_risk} units:")
        say_table([hold._asdict() for hold in shortage.first], _COLUMNS)
        if (more := shortage.holds - len(shortage.first)) > 0:
            say(f"and {more} more")
    if shortage.units_sold_beyond:
        say(
            f"{shortage.units_sold_beyond} units {verb} sold beyond what is there: "
            "no hold can be named for them, orders are short of them"
        )
    if shortage.units_covered:
        say(
            f"{shortage.units_covered} units that were short {verb} there again, "
            f"{shortage.holds_relieved} holds {verb} less at risk"
        )
