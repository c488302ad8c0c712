"""Outcomes, made from what they are about. Each is noted in the book's changes."""

from datetime import datetime
from uuid import UUID

from reservations.book import Book
from schemas.events import Arrival, Cause, CheckoutCompleted, event_time
from schemas.identity import time_ordered_id
from schemas.outcomes import Outcome, OutcomeCause
from schemas.reservation import Admission, EarlyFact, Reservation
from schemas.vocabulary import OutcomeType, Reason


def say(
    book: Book,
    outcome_type: OutcomeType,
    admission: Admission,
    reservation: Reservation,
    arrival: Arrival,
    *,
    quantity: int | None = None,  # the reservation's, unless given
    reason: Reason | None = None,
    expires_at: datetime | None = None,
    order_id: str | None = None,
    late: bool | None = None,
) -> None:
    """Note an outcome of a reservation."""
    occurred_at = event_time(arrival.event)
    book.changes.outcomes.append(
        Outcome(
            outcome_id=_outcome_id(occurred_at, outcome_type, str(reservation.id), arrival.cause),
            type=outcome_type,
            organization_id=admission.key.organization_id,
            experience_id=admission.experience_id or None,
            distribution_id=admission.distribution_id or None,
            distribution_type=admission.distribution_type,
            consumer_id=admission.consumer_id,
            admission_id=admission.key.admission_id,
            reservation_id=reservation.id,
            product_id=reservation.product_id,
            variant_id=reservation.variant_id or None,
            quantity=reservation.quantity if quantity is None else quantity,
            strategy=reservation.strategy,
            occurred_at=occurred_at,
            lane=arrival.lane,
            cause=_cause(arrival.cause),
            traceparent=arrival.traceparent,
            reason=reason,
            expires_at=expires_at,
            order_id=order_id,
            late=late,
        )
    )


def say_orphaned(book: Book, fact: EarlyFact, tick: Arrival) -> None:
    """Note that an early fact waited in vain: its admission never came."""
    event = fact.fact
    occurred_at = event_time(tick.event)
    book.changes.outcomes.append(
        Outcome(
            outcome_id=_outcome_id(occurred_at, "orphaned", str(fact.id), cause_of(fact)),
            type="orphaned",
            organization_id=event.organization_id,
            experience_id=event.experience_id or None,
            distribution_id=event.distribution_id or None,
            distribution_type=event.distribution_type,
            consumer_id=event.consumer_id,
            admission_id=event.admission_id,
            reason="admission_unknown",
            order_id=event.order_id if isinstance(event, CheckoutCompleted) else None,
            occurred_at=occurred_at,
            lane=tick.lane,
            cause=_cause(cause_of(fact)),
            traceparent=fact.traceparent,
        )
    )


def cause_of(fact: EarlyFact) -> Cause:
    """Give the record that brought an early fact."""
    return Cause(fact.topic, fact.partition, fact.offset, fact.line, fact.fact.event_id)


def _cause(cause: Cause) -> OutcomeCause:
    return OutcomeCause(
        topic=cause.topic,
        partition=cause.partition,
        offset=cause.offset,
        event_id=cause.event_id,
    )


def _outcome_id(at: datetime, outcome_type: OutcomeType, about: str, cause: Cause) -> UUID:
    return time_ordered_id(at, outcome_type, about, cause.topic, cause.partition, cause.offset)
