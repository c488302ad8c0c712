"""Which of an admission's carts its holds follow: the newest from before the end."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Final, NamedTuple

from reservations.commands import Answers
from schemas.events import CartUpdated, Item, ReleaseRequested, event_time
from schemas.facts import MIGRATED, KnownFact
from schemas.policy import Policy
from schemas.vocabulary import Reason

Sku = tuple[str, str]  # product, variant


class Cart(NamedTuple):
    """The units that are wanted of each line."""

    wanted: Mapping[Sku, int]
    mark: str  # names this cart among all of the admission
    emptied: bool = False  # it is empty because a command asked for it


EMPTY: Final = Cart({}, "")
OFFER: Final = "offer"  # the mark of an experience that offers nothing


def cart_in_force(
    facts: Sequence[KnownFact], closed_at: datetime, policy: Policy, answers: Answers
) -> Cart:
    """Give the newest cart of `facts`, which are in their order, and answer each of them.

    Where nobody has told a cart, it is what the experience offers. Carts that come after the end
    are refused; but the cart of the admission itself is never too late, whatever the clocks say.
    """
    chosen: KnownFact | None = None
    for known in facts:
        if isinstance(known.fact, (CartUpdated, ReleaseRequested)):
            reason = _why_not(known.fact, closed_at, policy)
            answers[id(known)] = (known, reason)
            if reason is None:
                chosen = known
    if chosen is None:
        offers = [Item(one.product_id, one.variant_id, one.quantity) for one in policy.items]
        return Cart(summed(offers), digest(offers) if offers else OFFER)
    emptied = isinstance(chosen.fact, ReleaseRequested)
    items = chosen.fact.items if isinstance(chosen.fact, CartUpdated) else ()
    if chosen.cause.topic == MIGRATED:
        return Cart(summed(items), MIGRATED, emptied)
    mark = digest((event_time(chosen.fact).isoformat(), emptied, items))
    return Cart(summed(items), mark, emptied)


def summed(items: Iterable[Item]) -> dict[Sku, int]:
    """Sum the lines of one product and variant: demand is checked once per stock line."""
    units: dict[Sku, int] = {}
    for product_id, variant_id, quantity in items:
        units[product_id, variant_id] = units.get((product_id, variant_id), 0) + quantity
    return units


def digest(parts: object) -> str:
    """Name something by what it is made of."""
    return blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=9).hexdigest()


def _why_not(
    fact: CartUpdated | ReleaseRequested, closed_at: datetime, policy: Policy
) -> Reason | None:
    if isinstance(fact, ReleaseRequested):
        if not policy.release_allowed:
            return "release_not_allowed"
    elif fact.at_admission:
        return None
    return "hold_over" if event_time(fact) > closed_at else None
