"""Outcomes, made from what they are about. Each is noted in the book's changes."""

from datetime import datetime

from reservations.book import Book
from schemas.events import Arrival, Cause, event_time
from schemas.facts import KnownFact
from schemas.identity import time_ordered_id
from schemas.outcomes import Outcome, OutcomeCause
from schemas.reservation import Admission, Reservation
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
    oversold: bool | None = None,
) -> None:
    """Note an outcome of a reservation."""
    occurred_at = event_time(arrival.event)
    reservation.outcomes += 1
    book.touch_reservation(reservation)
    name = (str(reservation.id), reservation.outcomes)
    book.changes.outcomes.append(
        Outcome(
            outcome_id=time_ordered_id(occurred_at, outcome_type, *name),
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
            oversold=oversold,
        )
    )


def say_of_admission(
    book: Book,
    outcome_type: OutcomeType,
    admission: Admission,
    arrival: Arrival,
    *,
    reason: Reason | None = None,
    expires_at: datetime | None = None,
    order_id: str | None = None,
    from_consumer_id: str | None = None,
) -> None:
    """Note an outcome of an admission as a whole."""
    occurred_at = event_time(arrival.event)
    admission.outcomes += 1
    book.touch_admission(admission)
    name = (*admission.key, admission.outcomes)
    book.changes.outcomes.append(
        Outcome(
            outcome_id=time_ordered_id(occurred_at, outcome_type, *name),
            type=outcome_type,
            organization_id=admission.key.organization_id,
            experience_id=admission.experience_id or None,
            distribution_id=admission.distribution_id or None,
            distribution_type=admission.distribution_type,
            consumer_id=admission.consumer_id,
            from_consumer_id=from_consumer_id,
            admission_id=admission.key.admission_id,
            reason=reason,
            expires_at=expires_at,
            order_id=order_id,
            occurred_at=occurred_at,
            lane=arrival.lane,
            cause=_cause(arrival.cause),
            traceparent=arrival.traceparent,
        )
    )


def say_of_fact(
    book: Book,
    outcome_type: OutcomeType,
    known: KnownFact,
    at: datetime,
    lane: int,
    reason: Reason,
) -> None:
    """Note an outcome of a fact that belongs to no admission, or to none alone."""
    event = known.fact
    known.outcomes += 1
    name = (*known.cause[:4], event.consumer_id, known.outcomes)
    book.changes.outcomes.append(
        Outcome(
            outcome_id=time_ordered_id(at, outcome_type, *name),
            type=outcome_type,
            organization_id=event.organization_id,
            experience_id=event.experience_id or None,
            distribution_id=event.distribution_id or None,
            distribution_type=event.distribution_type,
            consumer_id=event.consumer_id,
            admission_id=event.admission_id,
            reason=reason,
            order_id=getattr(event, "order_id", None),
            occurred_at=at,
            lane=lane,
            cause=_cause(known.cause),
            traceparent=known.traceparent,
        )
    )


def _cause(cause: Cause) -> OutcomeCause:
    return OutcomeCause(
        topic=cause.topic,
        partition=cause.partition,
        offset=cause.offset,
        event_id=cause.event_id,
    )
