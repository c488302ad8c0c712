"""What a batch needs in its book: the keys to load, told from its events."""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from reservations.book import Book, ShopperKey, shoppers_of
from reservations.matching import keys_of
from schemas.events import Admitted, CartUpdated, CheckoutCompleted, Fact, TransferRequested
from schemas.policy import Policy
from schemas.reservation import Admission, AdmissionKey, EarlyFact
from schemas.stock import PoolKey, StockKey

Sku = tuple[str, str, str]  # organization, product, variant


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
        if isinstance(event, TransferRequested):
            self.consumers.add((organization_id, event.to_consumer_id))
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
    return linked | {
        (one.fact.organization_id, one.fact.to_consumer_id)
        for one in known
        if isinstance(one.fact, TransferRequested)
    }


def stock_wanted(
    book: Book, events: Sequence[Admitted | Fact]
) -> tuple[set[StockKey], set[PoolKey]]:
    """Give the stock lines and pools that the events and all that is loaded may move."""
    stock: set[StockKey] = set()
    pools: set[PoolKey] = set()
    with_pools = _experiences_with_pools(book, events)
    for lines in book.reservations.values():
        for reservation in lines:
            stock.add(reservation.stock_key)
            if reservation.strategy == "pool":
                pools.add(reservation.pool_key)
    for organization_id, product_id, variant_id in _skus(book, events):
        stock.add(StockKey(organization_id, product_id, variant_id))
        pools.update(
            PoolKey(organization_id, experience_id, product_id, variant_id)
            for experience_id in with_pools.get(organization_id, ())
        )
    return stock, pools


def policies_wanted(book: Book, events: Iterable[Admitted | Fact]) -> set[tuple[str, str]]:
    """Give the experiences whose policies apply.

    They are those of the events, of the loaded admissions, and of their facts, which may turn out
    to belong to no admission, and wait.
    """
    loaded = {(key.organization_id, one.experience_id) for key, one in book.admissions.items()}
    known = [known.fact for one in book.admissions.values() for known in one.facts]
    return loaded | {(one.organization_id, one.experience_id) for one in (*events, *known)}


def _policies(book: Book, events: Iterable[Admitted | Fact]) -> Iterator[tuple[str, str, Policy]]:
    """Give the policies by which something may be decided: today's, and those of admissions."""
    for organization_id, experience_id in policies_wanted(book, events):
        yield organization_id, experience_id, book.policy(organization_id, experience_id)
    for key, one in book.admissions.items():
        yield key.organization_id, one.experience_id, one.policy


def _experiences_with_pools(book: Book, events: Iterable[Admitted | Fact]) -> dict[str, set[str]]:
    """Give the experiences by organization: a completion names none, but may bring new items."""
    found: dict[str, set[str]] = {}
    for organization_id, experience_id, policy in _policies(book, events):
        if policy.strategy == "pool":
            found.setdefault(organization_id, set()).add(experience_id)
    return found


def _skus(book: Book, events: Sequence[Admitted | Fact]) -> Iterator[Sku]:
    """Give every line that an event, a known fact, or an experience's offer has."""
    known = (fact.fact for one in book.admissions.values() for fact in one.facts)
    for facts in (events, known):
        for fact in facts:
            if isinstance(fact, Admitted | CartUpdated | CheckoutCompleted):
                for product_id, variant_id, _ in fact.items:
                    yield fact.organization_id, product_id, variant_id
    for organization_id, _, policy in _policies(book, events):
        for offer in policy.items:
            yield organization_id, offer.product_id, offer.variant_id
