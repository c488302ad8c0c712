"""The payments of an admission, made of its completions and cancellations."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from schemas.events import CheckoutCompleted, Item, OrderCancelled
from schemas.facts import KnownFact, in_order


class Payment(NamedTuple):
    """An order for an admission, as all that is known of it says together."""

    order_id: str | None
    paid_at: datetime
    items: tuple[Item, ...]  # empty: for all that was held
    cancelled_at: datetime | None
    facts: tuple[KnownFact, ...]


def payments_of(facts: Sequence[KnownFact]) -> list[Payment]:
    """Give the payments in the facts, which are in their order, the earliest first.

    An order may be told several times, with and without its items: Fanfare has an event for the
    queue and one for the order. What names no order is taken for the earliest that does.
    """
    by_order: dict[str | None, list[KnownFact]] = {}
    for known in facts:
        if isinstance(known.fact, CheckoutCompleted):
            by_order.setdefault(known.fact.order_id, []).append(known)
    if not by_order:
        return []
    if None in by_order and len(by_order) > 1:
        unnamed = by_order.pop(None)
        earliest = min(by_order, key=lambda order_id: (_paid_at(by_order[order_id]), order_id))
        by_order[earliest] += unnamed
    payments = [_payment(order_id, told, facts) for order_id, told in by_order.items()]
    return sorted(payments, key=lambda one: (one.paid_at, one.order_id or ""))


def that_counts(payments: Sequence[Payment]) -> tuple[Payment | None, list[Payment]]:
    """Give the payment that the admission is sold for, and those that are one too many.

    The first counts, or one after its cancellation. Admissions are good for one order.
    Source: Fanfare's glossary, "Admission": single use.
    """
    counts: Payment | None = None
    surplus: list[Payment] = []
    for payment in payments:
        gone_at = counts.cancelled_at if counts is not None else None
        if counts is None or (gone_at is not None and gone_at <= payment.paid_at):
            counts = payment
        else:
            surplus.append(payment)
    return counts, surplus


def _payment(
    order_id: str | None, told: Sequence[KnownFact], facts: Sequence[KnownFact]
) -> Payment:
    cancelled = [
        known.fact.cancelled_at
        for known in facts
        if isinstance(known.fact, OrderCancelled) and order_id in (None, known.fact.order_id)
    ]
    with_items = (_items(known) for known in in_order(told))
    return Payment(
        order_id,
        _paid_at(told),
        next((items for items in with_items if items), ()),
        min(cancelled, default=None),
        tuple(told),
    )


def _paid_at(told: Sequence[KnownFact]) -> datetime:
    return min(one.fact.completed_at for one in told if isinstance(one.fact, CheckoutCompleted))


def _items(known: KnownFact) -> tuple[Item, ...]:
    return known.fact.items if isinstance(known.fact, CheckoutCompleted) else ()
