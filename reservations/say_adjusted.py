"""The outcome of a repair: an operator made it, and a lane tells it at its next tick."""

from reservations.book import Book
from schemas.adjusted import Adjusted, Adjustment
from schemas.events import Arrival
from schemas.outcomes import OutcomeCause


def say_adjusted(book: Book, tick: Arrival, adjustment: Adjustment) -> None:
    """Note the outcome of an adjustment, and that it was told."""
    cause = tick.cause
    book.changes.adjustments[adjustment.id] = Adjusted(
        outcome_id=adjustment.id,
        type="adjusted",
        organization_id=adjustment.key.organization_id,
        product_id=adjustment.key.product_id,
        variant_id=adjustment.key.variant_id or None,
        changes=adjustment.changes,
        explanation=adjustment.explanation,
        occurred_at=adjustment.adjusted_at,
        lane=tick.lane,
        cause=OutcomeCause(topic=cause.topic, partition=cause.partition, offset=cause.offset),
    )
