"""The words of the model: SKUs, lines, facts and their places among others."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from schemas.events import CartUpdated, Cause, Fact, Item
from schemas.facts import KnownFact, fact_order

Sku = tuple[str, str]  # product, variant
Lines = dict[Sku, int]
Place = tuple[Any, ...]  # of a fact among others; two facts that say the same have one
Facts = Mapping[Place, Fact]

_NOWHERE: Final = Cause("", 0, 0)


def place_of(fact: Fact) -> Place:
    """Give the place of a fact among others, which is also its name.

    At one instant the cart that an admission came with is before all other words.
    """
    at, *others = fact_order(KnownFact(fact, _NOWHERE))
    return at, not (isinstance(fact, CartUpdated) and fact.at_admission), *others


def summed(items: Iterable[Item]) -> Lines:
    """Sum the lines of one SKU; each stays where its first was."""
    lines: Lines = {}
    for product, variant, units in items:
        lines[product, variant] = lines.get((product, variant), 0) + units
    return lines


def seconds(number: float) -> timedelta:
    return timedelta(seconds=round(number))


def earliest(*instants: datetime | None) -> datetime | None:
    return min((at for at in instants if at is not None), default=None)
