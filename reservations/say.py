"""Outcomes, made from what they are about. Each is noted in the book's changes."""

from datetime import datetime
from typing import Any

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
    reservation.outcomes += 1
    book.touch_reservation(reservation)
    _note_of_admission(
        book,
        outcome_type,
        admission,
        arrival,
        (str(reservation.id), reservation.outcomes),
        reservation_id=reservation.id,
        product_id=reservation.product_id,
        variant_id=reservation.variant_id or None,
        quantity=reservation.quantity if quantity is None else quantity,
        strategy=reservation.strategy,
        reason=reason,
        expires_at=expires_at,
        order_id=order_id,
        late=late,
        oversold=oversold,
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
    admission.outcomes += 1
    book.touch_admission(admission)
    _note_of_admission(
        book,
        outcome_type,
        admission,
        arrival,
        (*admission.key, admission.outcomes),
        reason=reason,
        expires_at=expires_at,
        order_id=order_id,
        from_consumer_id=from_consumer_id,
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
    _note(
        book,
        outcome_type,
        at,
        (*known.cause[:4], event.consumer_id, known.outcomes),
        known.cause,
        organization_id=event.organization_id,
        experience_id=event.experience_id or None,
        distribution_id=event.distribution_id or None,
        distribution_type=event.distribution_type,
        consumer_id=event.consumer_id,
        admission_id=event.admission_id,
        reason=reason,
        order_id=getattr(event, "order_id", None),
        lane=lane,
        trace=known.trace,
    )


def _note_of_admission(
    book: Book,
    outcome_type: OutcomeType,
    admission: Admission,
    arrival: Arrival,
    name: tuple[object, ...],
    **fields: Any,
) -> None:
    _note(
        book,
        outcome_type,
        event_time(arrival.event),
        name,
        arrival.cause,
        organization_id=admission.key.organization_id,
        experience_id=admission.experience_id or None,
        distribution_id=admission.distribution_id or None,
        distribution_type=admission.distribution_type,
        consumer_id=admission.consumer_id,
        admission_id=admission.key.admission_id,
        lane=arrival.lane,
        trace=arrival.trace,
        **fields,
    )


def _note(
    book: Book,
    outcome_type: OutcomeType,
    at: datetime,
    name: tuple[object, ...],
    cause: Cause,
    **fields: Any,
) -> None:
    """Note an outcome, whose id is made of its time, its type and `name`."""
    topic, partition, offset, _, event_id = cause
    outcome = Outcome(
        outcome_id=time_ordered_id(at, outcome_type, *name),
        type=outcome_type,
        occurred_at=at,
        cause=OutcomeCause(topic=topic, partition=partition, offset=offset, event_id=event_id),
        **fields,
    )
    book.changes.outcomes.append(outcome)
