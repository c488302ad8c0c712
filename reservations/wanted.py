"""What a batch needs in its book: the keys to load, told from its events."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, TypeAlias

from reservations.book import Book, ShopperKey, shoppers_of
from reservations.matching import keys_of
from reservations.shopper import new_owner
from schemas.events import Admitted, CartUpdated, CheckoutCompleted, Fact
from schemas.policy import Policy
from schemas.reservation import Admission, AdmissionKey, EarlyFact
from schemas.stock import PoolKey, StockKey

_PolicyOf: TypeAlias = tuple[str, str, Policy]  # organization, experience
_WITH_ITEMS: Final = (Admitted, CartUpdated, CheckoutCompleted)


@dataclass(slots=True)
class Wanted:
    """Keys of the rows that the rules may ask for."""

    consumers: set[tuple[str, str]] = field(default_factory=set)
    admissions: set[AdmissionKey] = field(default_factory=set)
    tokens: set[tuple[str, str]] = field(default_factory=set)

    def add(self, event: Admitted | Fact) -> None:
        """Add all that deciding this event may look at."""
        organization_id = event.organization_id
        self.consumers.add((organization_id, event.consumer_id))
        if (owner := new_owner(event)) is not None:
            self.consumers.add(owner)
        self.admissions.update(keys_of(event))
        if event.token_digest is not None:
            self.tokens.add((organization_id, event.token_digest))


def linked_shoppers(
    shoppers: AbstractSet[ShopperKey], admissions: Iterable[Admission], facts: Iterable[EarlyFact]
) -> set[ShopperKey]:
    """Give whose these shoppers' admissions are, were, or shall be.

    Rules look at all admissions and facts of a shopper at once, and a transfer makes one of two.
    """
    known = [early.known for early in facts]
    linked: set[ShopperKey] = set()
    for admission in admissions:
        owners = shoppers_of(admission)
        if not shoppers.isdisjoint(owners):  # else it is here for a due hold only
            linked.update(owners)
            known += admission.facts
    asked_for = (new_owner(one.fact) for one in known)
    return linked.union(owner for owner in asked_for if owner is not None)


def stock_wanted(
    book: Book, events: Iterable[Admitted | Fact]
) -> tuple[set[StockKey], set[PoolKey]]:
    """Give the stock lines and pools that the events and all that is loaded may move."""
    stock: set[StockKey] = set()
    pools: set[PoolKey] = set()
    policies = list(_policies(book, events))
    with_pools = _experiences_with_pools(policies)
    for lines in book.reservations.values():
        for reservation in lines:
            stock.add(reservation.stock_key)
            if reservation.strategy == "pool":
                pools.add(reservation.pool_key)
    for key in _skus(book, events, policies):
        stock.add(key)
        for experience_id in with_pools.get(key.organization_id, ()):
            pools.add(PoolKey(key.organization_id, experience_id, key.product_id, key.variant_id))
    return stock, pools


def policies_wanted(book: Book, events: Iterable[Admitted | Fact]) -> set[tuple[str, str]]:
    """Give the experiences whose policies apply.

    They are those of the events, of the loaded admissions, and of their facts, which may turn out
    to belong to no admission, and wait.
    """
    loaded = {(key.organization_id, one.experience_id) for key, one in book.admissions.items()}
    known = [known.fact for one in book.admissions.values() for known in one.facts]
    return loaded | {(one.organization_id, one.experience_id) for one in (*events, *known)}


def _policies(book: Book, events: Iterable[Admitted | Fact]) -> Iterator[_PolicyOf]:
    """Give the policies by which something may be decided: today's, and those of admissions."""
    for organization_id, experience_id in policies_wanted(book, events):
        yield organization_id, experience_id, book.policy(organization_id, experience_id)
    for key, one in book.admissions.items():
        yield key.organization_id, one.experience_id, one.policy


def _experiences_with_pools(policies: Iterable[_PolicyOf]) -> dict[str, set[str]]:
    """Give the experiences by organization: a completion names none, but may bring new items."""
    found: dict[str, set[str]] = {}
    for organization_id, experience_id, policy in policies:
        if policy.strategy == "pool":
            found.setdefault(organization_id, set()).add(experience_id)
    return found


def _skus(
    book: Book, events: Iterable[Admitted | Fact], policies: Iterable[_PolicyOf]
) -> set[StockKey]:
    """Give every line that an event, a known fact, or an experience's offer has."""
    known = (fact.fact for one in book.admissions.values() for fact in one.facts)
    found = {
        (fact.organization_id, product_id, variant_id)
        for fact in chain(events, known)
        if isinstance(fact, _WITH_ITEMS)
        for product_id, variant_id, _ in fact.items
    }
    for organization_id, _, policy in policies:
        for offer in policy.items:
            found.add((organization_id, offer.product_id, offer.variant_id))
    return {StockKey(*sku) for sku in found}
