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
    reservation.outcomes += 1
    book.touch_reservation(reservation)
    name = (reservation.id, reservation.outcomes)
    outcome = _note_of_admission(book, outcome_type, admission, arrival, name)
    outcome.reservation_id = reservation.id
    outcome.product_id = reservation.product_id
    outcome.variant_id = reservation.variant_id or None
    outcome.quantity = reservation.quantity if quantity is None else quantity
    outcome.strategy = reservation.strategy
    outcome.reason = reason
    outcome.expires_at = expires_at
    outcome.order_id = order_id
    outcome.late = late
    outcome.oversold = oversold


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
    name = (*admission.key, admission.outcomes)
    outcome = _note_of_admission(book, outcome_type, admission, arrival, name)
    outcome.reason = reason
    outcome.expires_at = expires_at
    outcome.order_id = order_id
    outcome.from_consumer_id = from_consumer_id


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
    outcome = Outcome(
        outcome_id=time_ordered_id(at, outcome_type, *name),
        trace=known.trace,
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
    )
    book.changes.outcomes.append(outcome)


def _note_of_admission(
    book: Book,
    outcome_type: OutcomeType,
    admission: Admission,
    arrival: Arrival,
    name: tuple[object, ...],
) -> Outcome:
    """Note an outcome, whose id is made of its time, its type and `name`, and give it."""
    at = event_time(arrival.event)
    outcome = Outcome(
        outcome_id=time_ordered_id(at, outcome_type, *name),
        trace=arrival.trace,
        type=outcome_type,
        organization_id=admission.key.organization_id,
        experience_id=admission.experience_id or None,
        distribution_id=admission.distribution_id or None,
        distribution_type=admission.distribution_type,
        consumer_id=admission.consumer_id,
        admission_id=admission.key.admission_id,
        occurred_at=at,
        lane=arrival.lane,
        cause=_cause(arrival.cause),
    )
    book.changes.outcomes.append(outcome)
    return outcome


def _cause(cause: Cause) -> OutcomeCause:
    topic, partition, offset, _, event_id = cause
    return OutcomeCause(topic=topic, partition=partition, offset=offset, event_id=event_id)
