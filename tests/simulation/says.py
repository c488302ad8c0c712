"""What an admission says: a value made of the set of what is known of it, whatever came first."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from schemas.events import (
    AdmissionEnded,
    CartUpdated,
    ExtendRequested,
    Item,
    ReleaseRequested,
    TransferRequested,
    event_time,
)
from schemas.vocabulary import Reason
from tests.simulation.door import Door
from tests.simulation.facts import Facts, Lines, Place, earliest, seconds, summed
from tests.simulation.payments import Payment, payments, that_counts

NOTHING: Final[Mapping[Place, Reason]] = {}
_FIRST_OF_ENDS: Final = ("expired", "left", "denied")

Answers = dict[Place, str]  # a reason for refusing, or what was done


class Cart(NamedTuple):
    """What is wanted. No time: it is the offer."""

    at: datetime | None
    items: tuple[Item, ...]
    emptied: bool = False  # on request

    @property
    def wanted(self) -> Lines:
        return summed(self.items)


class Says(NamedTuple):
    owner: str
    ends_at: datetime  # with extensions
    over_at: datetime  # when the hold is over, paid or not
    first_end: AdmissionEnded | None
    payment: Payment | None  # the one that counts
    surplus: frozenset[str | None]  # orders that were paid in vain
    cart: Cart
    answers: Answers


def says(front: Door, facts: Facts, refused: Mapping[Place, Reason] = NOTHING) -> Says:
    """Say what facts amount to; `refused` are transfers that a limit has forbidden."""
    answers: Answers = {}
    ends = [fact for fact in facts.values() if isinstance(fact, AdmissionEnded)]
    first = min(ends, key=lambda one: (one.ended_at, _FIRST_OF_ENDS.index(one.end)), default=None)
    first_at = None if first is None else first.ended_at
    counts, surplus = that_counts(payments(facts))
    closed_at = earliest(first_at, None if counts is None else counts.at)
    ends_at = _extended(front, facts, closed_at, answers)
    over_at = min(ends_at, first_at or ends_at)
    owner = _owner(front, facts, over_at, refused, answers)
    cart = _cart(front, facts, min(over_at, closed_at or over_at), answers)
    return Says(owner, ends_at, over_at, first, counts, surplus, cart, answers)


def _extended(front: Door, facts: Facts, closed_at: datetime | None, answers: Answers) -> datetime:
    ends_at, granted, count, policy = front.ends_at, 0, 0, front.policy
    for place, fact in sorted(facts.items()):
        if not isinstance(fact, ExtendRequested):
            continue
        room = int((front.cap - ends_at).total_seconds())
        more = min(fact.seconds, policy.extension_seconds_max - granted, room)
        if policy.extensions_max == 0:
            answers[place] = "extension_not_allowed"
        elif fact.requested_at > min(ends_at, closed_at or ends_at):
            answers[place] = "hold_over"
        elif count == policy.extensions_max:
            answers[place] = "extension_limit"
        elif more <= 0:
            answers[place] = "extension_too_long"
        else:
            answers[place] = "extended"
            ends_at, granted, count = ends_at + seconds(more), granted + more, count + 1
    return ends_at


def _owner(
    front: Door,
    facts: Facts,
    over_at: datetime,
    refused: Mapping[Place, Reason],
    answers: Answers,
) -> str:
    owner = front.consumer_id
    for place, fact in sorted(facts.items()):
        if not isinstance(fact, TransferRequested):
            continue
        if not front.policy.transfer_allowed:
            answers[place] = "transfer_not_allowed"
        elif fact.requested_at > over_at:
            answers[place] = "hold_over"
        elif owner not in (front.consumer_id, fact.to_consumer_id):
            answers[place] = "already_transferred"
        elif place in refused:
            answers[place] = refused[place]
        else:
            answers[place], owner = "transferred", fact.to_consumer_id
    return owner


def _cart(front: Door, facts: Facts, closed_at: datetime, answers: Answers) -> Cart:
    """Give the newest cart from before the end. What the admission came with is never too late."""
    offer = (Item(one.product_id, one.variant_id, one.quantity) for one in front.policy.items)
    cart = Cart(None, tuple(offer))
    for place, fact in sorted(facts.items()):
        is_release = isinstance(fact, ReleaseRequested)
        if is_release and not front.policy.release_allowed:
            answers[place] = "release_not_allowed"
        elif isinstance(fact, CartUpdated | ReleaseRequested):
            items = fact.items if isinstance(fact, CartUpdated) else ()
            is_own = isinstance(fact, CartUpdated) and fact.at_admission
            if event_time(fact) > closed_at and not is_own:
                answers[place] = "hold_over"
            else:
                cart = Cart(event_time(fact), items, is_release)
    return cart
