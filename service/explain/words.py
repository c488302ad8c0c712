"""Instants, units and events in plain words. No I/O."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Final

from schemas.events import (
    AdmissionEnded,
    CartUpdated,
    CheckoutCompleted,
    ExtendRequested,
    Fact,
    Item,
    OrderCancelled,
    ReleaseRequested,
    TransferRequested,
)

# Gives an instant in UTC, with its date where the day is not the one that is told of.
Clock = Callable[[datetime], str]

_ENDS: Final = {
    "expired": "Fanfare ended the admission: expired",
    "left": "the shopper left",
    "denied": "the shopper was denied",
}


def clock_of(day: date) -> Clock:
    """Give a clock for a story that begins on a day."""

    def clock(at: datetime) -> str:
        at = at.astimezone(UTC)
        return f"{at:%H:%M:%S}" if at.date() == day else f"{at:%Y-%m-%d %H:%M:%S}"

    return clock


def duration_in_words(duration: timedelta) -> str:
    """Round a duration to its two largest units."""
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next((at for at, (count, _) in enumerate(parts) if count), 3)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count) or "0 s"


def units(quantity: int | None, product_id: str | None, variant_id: str | None) -> str:
    """Word so many units of a stock line."""
    return f"{quantity} x {sku_in_words(product_id, variant_id)}"


def sku_in_words(product_id: str | None, variant_id: str | None) -> str:
    """Name a stock line within its organization."""
    return "/".join(filter(None, (product_id, variant_id)))


def items_in_words(items: Iterable[Item]) -> str:
    """Word a cart."""
    words = (units(quantity, product, variant) for product, variant, quantity in items)
    return ", ".join(words) or "nothing"


def fact_in_words(fact: Fact) -> str:
    """Say what an event says."""
    match fact:
        case CartUpdated(items=items):
            return f"the shopper's cart: {items_in_words(items)}"
        case CheckoutCompleted(order_id=order_id, items=items):
            return f"paid{of_order(order_id)}" + (f": {items_in_words(items)}" if items else "")
        case OrderCancelled(order_id=order_id):
            return f"order {order_id} was cancelled"
        case ExtendRequested(seconds=seconds):
            return f"asked for {duration_in_words(timedelta(seconds=seconds))} more"
        case ReleaseRequested():
            return "asked to give back all that is held"
        case TransferRequested(to_consumer_id=to):
            return f"asked to make it {to}'s"
        case AdmissionEnded(end=end):
            return _ENDS[end]


def of_order(order_id: str | None) -> str:
    """Name an order, where there is one to name."""
    return f", order {order_id}" if order_id else ""
