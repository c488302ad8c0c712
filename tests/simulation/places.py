"""Which admission a fact belongs to: told from the set of all facts and all admissions."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from schemas.events import CartUpdated, CheckoutCompleted, Fact, OrderCancelled, event_time
from tests.simulation.door import Entrance
from tests.simulation.facts import Facts, Place
from tests.simulation.visit import NAMES, Visit, is_named

WAITS: Final = "waits"
AMBIGUOUS: Final = "ambiguous"


def place_all(facts: Facts, visits: Sequence[Visit]) -> dict[Place, Visit | str]:
    """Put each fact with the admission that it is of, or say why it waits.

    They are walked in their order, each with the admissions as those before have left them;
    `visits` have the facts afterwards. Cancellations come last, for they follow their orders.
    """
    orders = _Orders(facts, visits)
    for visit in visits:
        visit.facts = dict(visit.own)
    where: dict[Place, Visit | str] = {}
    for place in sorted(facts, key=lambda one: (isinstance(facts[one], OrderCancelled), one)):
        fact = facts[place]
        found = _named(fact, visits) if is_named(fact) else _unnamed(fact, visits, orders)
        where[place] = found
        if isinstance(found, Visit):
            found.facts[place] = fact
    return where


class _Orders:
    """What all completions of an order say together: which admission, or which entrance."""

    def __init__(self, facts: Facts, visits: Sequence[Visit]) -> None:
        self.entrances: dict[tuple[str, str], Entrance] = {}
        self.visits: dict[str, list[Visit]] = {}
        for _, fact in sorted(facts.items()):
            if isinstance(fact, CheckoutCompleted) and fact.order_id is not None:
                whose = (fact.consumer_id, fact.order_id)
                told = self.entrances.get(whose, ("", ""))
                both = told[0] or fact.distribution_id, told[1] or fact.experience_id
                self.entrances[whose] = both
                found = _named(fact, visits)
                if isinstance(found, Visit):
                    self.visits.setdefault(fact.order_id, []).append(found)


def _named(fact: Fact, visits: Sequence[Visit]) -> Visit | str:
    """By its id, else by its token."""
    found = (visit for name in NAMES for visit in visits if visit.shares(fact, name))
    return next(found, WAITS)


def _unnamed(fact: Fact, visits: Sequence[Visit], orders: _Orders) -> Visit | str:
    order_id = getattr(fact, "order_id", None)
    theirs = [visit for visit in visits if fact.consumer_id in visit.people]
    of_order = [visit for visit in orders.visits.get(order_id or "", []) if visit in theirs]
    of_order += [visit for visit in theirs if order_id in visit.orders]
    if of_order:
        return of_order[0]
    if isinstance(fact, OrderCancelled):
        return WAITS
    own = (fact.distribution_id, fact.experience_id)
    entrance = orders.entrances.get((fact.consumer_id, order_id or ""), own)
    at, fitting = event_time(fact), [v for v in theirs if _agree(entrance, v.front.entrance)]
    begun = [visit for visit in fitting if visit.front.admitted_at <= at]
    if order_id is not None:
        begun = [visit for visit in begun if not visit.orders]
    are_open = [visit for visit in begun if visit.is_open(at, visits)]
    if are_open:
        return are_open[0] if len(are_open) == 1 else AMBIGUOUS
    if isinstance(fact, CartUpdated):
        return _only(min, [visit for visit in fitting if visit.front.admitted_at > at])
    if len({visit.front.entrance for visit in begun}) > 1:
        return AMBIGUOUS
    return _only(max, begun)


def _agree(one: Entrance, other: Entrance) -> bool:
    """Tell whether two entrances may be the same: Fanfare leaves some words out."""
    return all(mine in ("", theirs) or not theirs for mine, theirs in zip(one, other, strict=True))


def _only(choose: Callable[..., datetime], visits: Sequence[Visit]) -> Visit | str:
    """Give the first or the last that began, if it is one."""
    if not visits:
        return WAITS
    at = choose(visit.front.admitted_at for visit in visits)
    found = [visit for visit in visits if visit.front.admitted_at == at]
    return AMBIGUOUS if len(found) > 1 else found[0]
