"""What the facts of an admission say of its payments, and which of them counts."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from schemas.events import CheckoutCompleted, OrderCancelled
from tests.simulation.facts import Facts, Lines, earliest, summed


class Payment(NamedTuple):
    """What all facts of one order say together. No items: for all that was held."""

    order_id: str | None
    at: datetime
    items: Lines
    cancelled_at: datetime | None


def payments(facts: Facts) -> list[Payment]:
    """Give the payments, earliest first. A completion without an order is of the earliest one."""
    completions = [fact for _, fact in sorted(facts.items()) if isinstance(fact, CheckoutCompleted)]
    named = [(one.completed_at, one.order_id) for one in completions if one.order_id is not None]
    first = min(named, default=(None, None))[1]
    by_order: dict[str | None, list[CheckoutCompleted]] = {}
    for one in completions:
        by_order.setdefault(one.order_id or first, []).append(one)
    found = [_payment(order_id, told, facts) for order_id, told in by_order.items()]
    return sorted(found, key=lambda one: (one.at, one.order_id or ""))


def _payment(order_id: str | None, told: list[CheckoutCompleted], facts: Facts) -> Payment:
    cancelled = (
        fact.cancelled_at
        for fact in facts.values()
        if isinstance(fact, OrderCancelled) and order_id in (None, fact.order_id)
    )
    items = next((one.items for one in told if one.items), ())
    paid_at = min(one.completed_at for one in told)
    return Payment(order_id, paid_at, summed(items), earliest(*cancelled))


def that_counts(paid: Iterable[Payment]) -> tuple[Payment | None, frozenset[str | None]]:
    """Give the payment that counts, a later one only after a cancellation, and all in vain."""
    counts: Payment | None = None
    surplus = set()
    for one in paid:
        if counts is None or (counts.cancelled_at is not None and counts.cancelled_at <= one.at):
            counts = one
        else:
            surplus.add(one.order_id)
    return counts, frozenset(surplus)
