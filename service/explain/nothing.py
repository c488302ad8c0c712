"""Why nothing followed from an event. No I/O."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from schemas.events import (
    AdmissionEnded,
    CartUpdated,
    CheckoutCompleted,
    Fact,
    OrderCancelled,
    ReleaseRequested,
    TransferRequested,
    event_time,
)
from schemas.facts import KnownFact, fact_order
from service.explain.reasons import REASONS, reason_in_words
from service.explain.story import Happening, Source, Story, source_of
from service.explain.words import Clock

MIGRATED: Final = "migrated"  # where facts are from that were made of an older schema's rows


def why_nothing(one: Happening, story: Story, clock: Clock) -> str | None:
    """Say why an event changed nothing, or None where something followed from it."""
    if one.outcomes or one.waits_until is not None:
        return None
    if one.source is not None and one.source.topic == MIGRATED:
        return None
    if one.known is None:
        return "nothing was wanted then" if one.kind == "admitted" else None
    if one.known.answer is not None and one.known.answer in REASONS:
        return f"refused: {reason_in_words(one.known.answer)}"
    return _why(one.known, story, clock)


def _why(known: KnownFact, story: Story, clock: Clock) -> str | None:
    facts = sorted(story.admission.facts, key=fact_order)
    match known.fact:
        case CartUpdated() | ReleaseRequested():
            return _why_cart(known, facts, clock)
        case CheckoutCompleted(order_id=order_id):
            return _why_payment(known, facts, story, order_id, clock)
        case AdmissionEnded():
            return _why_end(known, facts, story, clock)
        case OrderCancelled(order_id=order_id):
            return _why_cancellation(known, facts, story, order_id)
        case TransferRequested(to_consumer_id=to):
            return f"it was {to}'s already" if story.admission.consumer_id == to else None
        case _:
            return None


def _why_cart(known: KnownFact, facts: Sequence[KnownFact], clock: Clock) -> str:
    carts = [one for one in facts if isinstance(one.fact, CartUpdated | ReleaseRequested)]
    at = next(at for at, one in enumerate(carts) if one is known)
    if at > 0 and _wanted(carts[at - 1].fact) == _wanted(known.fact):
        return "it wants what the cart before wanted"
    newer = next((one for one in carts[at + 1 :] if not _came_after(one, known)), None)
    if newer is not None:
        return f"a newer cart was known, that of {clock(event_time(newer.fact))}"
    return "there was nothing to hold and nothing to give back"


def _came_after(one: KnownFact, other: KnownFact) -> bool:
    """Tell whether an event is behind another in their topic, so that it was not known then."""
    if one.cause[:2] != other.cause[:2] or one.cause.offset is None or other.cause.offset is None:
        return False
    return one.cause.offset > other.cause.offset


def _wanted(fact: Fact) -> Counter[tuple[str, str]]:
    units: Counter[tuple[str, str]] = Counter()
    for product_id, variant_id, quantity in fact.items if isinstance(fact, CartUpdated) else ():
        units[product_id, variant_id] += quantity
    return units


def _why_payment(
    known: KnownFact, facts: Sequence[KnownFact], story: Story, order_id: str | None, clock: Clock
) -> str:
    for other in _payments(facts):
        if other is not known and (_order(other) == order_id or None in (_order(other), order_id)):
            return f"this payment was known, from {clock(event_time(other.fact))}"
    if order_id is not None and any(told.outcome.order_id == order_id for told in story.outcomes):
        return f"what followed is told where order {order_id} is named"
    return "nothing was held, and nothing wanted"


def _why_cancellation(
    known: KnownFact, facts: Sequence[KnownFact], story: Story, order_id: str
) -> str:
    if all(_order(one) not in (None, order_id) for one in _payments(facts)):
        return "this order did not pay for it"
    returned = [
        source_of(told)
        for told in story.outcomes
        if told.outcome.type == "returned" and told.outcome.order_id in (None, order_id)
    ]
    if not returned:
        return "nothing was sold to this order"
    others = [one for one in facts if isinstance(one.fact, OrderCancelled) and one is not known]
    if any(Source(*one.cause[:3]) in returned for one in others):
        return "it was cancelled before"
    return f"what followed is told where order {order_id} is named"


def _payments(facts: Sequence[KnownFact]) -> list[KnownFact]:
    return [one for one in facts if isinstance(one.fact, CheckoutCompleted)]


def _order(known: KnownFact) -> str | None:
    return known.fact.order_id if isinstance(known.fact, CheckoutCompleted) else None


def _why_end(known: KnownFact, facts: Sequence[KnownFact], story: Story, clock: Clock) -> str:
    at = event_time(known.fact)
    if paid := _payments(facts):
        paid_at = event_time(paid[0].fact)
        if paid_at <= at:
            return f"it was paid at {clock(paid_at)}, and a payment outranks an end"
    ends = [one for one in facts if isinstance(one.fact, AdmissionEnded) and one is not known]
    if ends and event_time(ends[0].fact) <= at:
        return f"it had ended at {clock(event_time(ends[0].fact))}"
    if story.admission.expires_at <= at:
        return f"the hold's time was over, at {clock(story.admission.expires_at)}"
    return "nothing was held any more"
