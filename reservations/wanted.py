"""What a batch needs in its book: the keys to load, told from its events."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reservations.book import Book
from reservations.matching import Fact, keys_of
from schemas.events import Admitted, CheckoutCompleted, Item
from schemas.reservation import AdmissionKey
from schemas.stock import PoolKey, StockKey


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
        self.admissions.update(keys_of(event))
        if event.token_digest is not None:
            self.tokens.add((organization_id, event.token_digest))


def stock_wanted(
    book: Book, events: Sequence[Admitted | Fact]
) -> tuple[set[StockKey], set[PoolKey]]:
    """Give the stock lines and pools that the events and the loaded reservations may move."""
    stock: set[StockKey] = set()
    pools: set[PoolKey] = set()
    with_pools = _experiences_with_pools(book, events)
    for lines in book.reservations.values():
        for reservation in lines:
            stock.add(reservation.stock_key)
            if reservation.strategy == "pool":
                pools.add(reservation.pool_key)
    for event in events:
        for product_id, variant_id, _ in _items(book, event):
            stock.add(StockKey(event.organization_id, product_id, variant_id))
            pools.update(
                PoolKey(event.organization_id, experience_id, product_id, variant_id)
                for experience_id in with_pools.get(event.organization_id, ())
            )
    return stock, pools


def policies_wanted(book: Book, events: Iterable[Admitted | Fact]) -> set[tuple[str, str]]:
    """Give the experiences whose policies apply: the events', and the loaded admissions'."""
    loaded = {(key.organization_id, one.experience_id) for key, one in book.admissions.items()}
    return loaded | {(event.organization_id, event.experience_id) for event in events}


def _experiences_with_pools(book: Book, events: Iterable[Admitted | Fact]) -> dict[str, set[str]]:
    """Give the experiences by organization: a completion names none, but may bring new items."""
    found: dict[str, set[str]] = {}
    for organization_id, experience_id in policies_wanted(book, events):
        if book.policy(organization_id, experience_id).strategy == "pool":
            found.setdefault(organization_id, set()).add(experience_id)
    return found


def _items(book: Book, event: Admitted | Fact) -> Iterable[Item]:
    if isinstance(event, Admitted) and not event.items:
        policy = book.policy(event.organization_id, event.experience_id)
        return (Item(line.product_id, line.variant_id, line.quantity) for line in policy.items)
    return event.items if isinstance(event, Admitted | CheckoutCompleted) else ()
