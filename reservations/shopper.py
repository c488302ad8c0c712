"""A shopper, as far as facts go: all admissions, and all facts wherever they are now."""

from reservations.book import Book, ShopperKey, shoppers_of
from reservations.placing import Place, place
from schemas.events import Admitted, Fact, TransferRequested
from schemas.facts import KnownFact, fact_order
from schemas.reservation import Admission, EarlyFact


class Shopper:
    """Who has these keys, and with transfers also who else they were."""

    def __init__(self, book: Book, *keys: ShopperKey) -> None:
        self.book = book
        self.keys: dict[ShopperKey, None] = {}  # in order, each once
        self.admissions: dict[int, Admission] = {}
        to_add = list(keys)
        while to_add:  # no recursion: a chain of transfers may be long
            key = to_add.pop()
            if key not in self.keys:
                self.keys[key] = None
                to_add += self._linked(key)

    def _linked(self, key: ShopperKey) -> list[ShopperKey]:
        """Add what a shopper has, and give who else it is of, was of, or shall be of."""
        known = [early.known for early in self.book.facts_by_consumer.get(key, ())]
        linked: list[ShopperKey] = []
        for admission in self.book.admissions_by_consumer.get(key, ()):
            self.admissions[id(admission)] = admission
            linked += shoppers_of(admission)
            known += admission.facts
        owners = (new_owner(one.fact) for one in known)
        return linked + [owner for owner in owners if owner is not None]

    def waiting(self) -> list[EarlyFact]:
        """Give the facts that wait for an admission, in their order."""
        found = [one for key in self.keys for one in self.book.facts_by_consumer.get(key, ())]
        return sorted(found, key=lambda one: fact_order(one.known)) if len(found) > 1 else found

    def places(self, *new: KnownFact) -> dict[int, Place]:
        """Find the place of every fact, and of a new one."""
        held = [(known, one) for one in self.admissions.values() for known in one.facts]
        waiting = [early.known for early in self.waiting()]
        return place(self.book, list(self.admissions.values()), held, [*waiting, *new])

    def knows(self, fact: Fact) -> bool:
        """Tell whether somebody has said this before."""
        facts = [known for one in self.admissions.values() for known in one.facts]
        facts += [early.known for early in self.waiting()]
        return any(known.says_the_same(fact) for known in facts)


def shopper_keys(event: Admitted | Fact, admission: Admission | None) -> list[ShopperKey]:
    """Give whose an event is: its consumer's, and theirs whose admission it names."""
    keys = [(event.organization_id, event.consumer_id)]
    if (owner := new_owner(event)) is not None:
        keys.append(owner)
    return keys if admission is None else [*keys, *shoppers_of(admission)]


def is_alone(book: Book, admission: Admission) -> bool:
    """Tell whether its shopper has no other admission, and no fact that waits for one."""
    shopper = admission.key.organization_id, admission.consumer_id
    theirs = book.admissions_by_consumer[shopper]
    return len(theirs) == 1 and not book.facts_by_consumer.get(shopper)


def new_owner(event: Admitted | Fact) -> ShopperKey | None:
    """Give to whom a transfer would give an admission."""
    if isinstance(event, TransferRequested):
        return event.organization_id, event.to_consumer_id
    return None
