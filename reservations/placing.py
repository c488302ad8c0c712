"""Which admission each fact of a shopper belongs to. Fanfare's completions and ends name none.

It is asked of all facts and all admissions of the shopper at once, in the order of the facts' own
times, so that what came first decides nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from reservations.book import Book
from reservations.candidates import Candidate, Orders, door_of, next_by_the_same_door
from reservations.matching import known_admission, names_its_admission
from schemas.events import (
    CartUpdated,
    Fact,
    OrderCancelled,
    event_time,
)
from schemas.facts import KnownFact, in_order
from schemas.reservation import Admission

Place = Admission | Literal["waits", "ambiguous"]
WAITS: Final = "waits"
AMBIGUOUS: Final = "ambiguous"


def place(
    book: Book,
    admissions: Sequence[Admission],
    held: Sequence[tuple[KnownFact, Admission]],
    others: Sequence[KnownFact],
) -> dict[int, Place]:
    """Give each fact, by its identity, the admission that it is about, or say why it has none.

    `held` are facts with the admissions that have them: where the fact names one, it stays there.
    """
    known_ones = {id(one) for one in admissions}
    named: dict[int, Admission | None] = {}
    for known, admission in held:
        if names_its_admission(known.fact):
            named[id(known)] = admission
    for known in others:
        if names_its_admission(known.fact):
            found = known_admission(book, known.fact)
            # One of another shopper, who is not looked at now, is found when it is tried again.
            named[id(known)] = found if id(found) in known_ones else None
    if len(named) == len(held) + len(others):
        return {name: admission or WAITS for name, admission in named.items()}
    facts = in_order([*(known for known, _ in held), *others])
    return _place_unnamed(admissions, facts, named)


def _place_unnamed(
    admissions: Sequence[Admission],
    ordered: Sequence[KnownFact],
    named: Mapping[int, Admission | None],
) -> dict[int, Place]:
    """Walk all facts in their order, each time with the admissions as the ones before left them."""
    again = next_by_the_same_door(admissions)
    candidates = {id(one): Candidate(one, again[id(one)]) for one in admissions}
    orders = Orders(ordered, named)
    places: dict[int, Place] = {}
    # Cancellations come last: they follow their orders.
    for known in sorted(ordered, key=lambda one: isinstance(one.fact, OrderCancelled)):
        if id(known) in named:
            found: Place = named[id(known)] or WAITS
        else:
            found = _choose(list(candidates.values()), orders, known.fact)
        places[id(known)] = found
        if isinstance(found, Admission):
            candidates[id(found)].take(known)
    return places


def _choose(candidates: Sequence[Candidate], orders: Orders, fact: Fact) -> Place:
    theirs = [one for one in candidates if fact.consumer_id in one.shoppers]
    of_order = orders.admission(fact, theirs)
    if of_order is not None or isinstance(fact, OrderCancelled):
        return of_order or WAITS
    order_id = getattr(fact, "order_id", None)
    fitting = [one for one in theirs if one.fits(orders.door(fact))]
    if isinstance(fact, CartUpdated):
        return _place_of_cart(fitting, fact)
    at = event_time(fact)
    begun = [one for one in fitting if one.had_begun(at) and not (order_id and one.orders)]
    return _only([one for one in begun if one.is_open(at)]) or _newest(begun) or WAITS


def _place_of_cart(fitting: Sequence[Candidate], fact: CartUpdated) -> Place:
    """Give the admission that was open then, else the next one: a cart is filled while waiting."""
    open_then = _only([one for one in fitting if one.is_open(fact.updated_at)])
    if open_then is not None:
        return open_then
    later = [one for one in fitting if one.admission.admitted_at > fact.updated_at]
    if not later:
        return WAITS
    first = min(one.admission.admitted_at for one in later)
    return _only([one for one in later if one.admission.admitted_at == first]) or WAITS


def _newest(begun: Sequence[Candidate]) -> Place | None:
    """Give the one that began last, where all are of one experience and distribution."""
    if not begun:
        return None
    if len({door_of(one.admission) for one in begun}) > 1:
        return AMBIGUOUS
    last = max(one.admission.admitted_at for one in begun)
    return _only([one for one in begun if one.admission.admitted_at == last])


def _only(candidates: Sequence[Candidate]) -> Place | None:
    if len(candidates) > 1:
        return AMBIGUOUS
    return candidates[0].admission if candidates else None
