"""An admission comes: its lines are held, or refused with a reason."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from reservations.book import Book
from reservations.matching import admission_key
from reservations.say import say
from reservations.strategies import move, refusal, strategy_of_line
from schemas.events import Admitted, Arrival, Item
from schemas.identity import time_ordered_id
from schemas.policy import Policy
from schemas.reservation import Admission, Reservation
from schemas.vocabulary import Reason


def admit(book: Book, arrival: Arrival, event: Admitted) -> Admission:
    """Record a new admission and answer each stock line that it wants, once."""
    policy = book.policy(event.organization_id, event.experience_id)
    admission = _new_admission(event, arrival.lane, policy)
    book.add_admission(admission)
    wanted = [
        _new_reservation(book, admission, arrival, item, policy)
        for item in summed(event.items or _offered(policy))
    ]
    for reservation, reason in _answers(book, admission, wanted, policy, arrival.lane):
        if reason is None:
            say(book, "reserved", admission, reservation, arrival, expires_at=admission.expires_at)
        else:
            _reject(reservation, reason)
            say(book, "rejected", admission, reservation, arrival, reason=reason)
        book.add_reservation(reservation)
    return admission


def summed(items: Iterable[Item]) -> list[Item]:
    """Sum the lines of one product and variant: demand is checked once per stock line."""
    quantities: dict[tuple[str, str], int] = {}
    for item in items:
        key = (item.product_id, item.variant_id)
        quantities[key] = quantities.get(key, 0) + item.quantity
    return [Item(product, variant, units) for (product, variant), units in quantities.items()]


def hold_end(event: Admitted, policy: Policy) -> datetime:
    """Give the hold's end: the window's end plus the buffer, at most the cap after admission."""
    window = policy.window(event.distribution_type or "other")
    window_ends_at = event.window_ends_at or event.admitted_at + window
    cap = event.admitted_at + timedelta(seconds=policy.hold_seconds_max)
    return min(window_ends_at + timedelta(seconds=policy.buffer_seconds), cap)


def reservation_id(admission: Admission, product_id: str, variant_id: str) -> UUID:
    """Give the id of an admission's reservation of a stock line, whichever record brings it."""
    return time_ordered_id(admission.admitted_at, *admission.key, product_id, variant_id)


def _answers(
    book: Book, admission: Admission, wanted: list[Reservation], policy: Policy, lane: int
) -> list[tuple[Reservation, Reason | None]]:
    """Hold what can be held, and pair each line with the reason for refusing it, if any."""
    if admission.expires_at <= book.last_tick_of(lane):
        return [(reservation, "window_over") for reservation in wanted]
    reasons = [refusal(book, reservation, reservation.quantity) for reservation in wanted]
    if policy.cart == "all_or_nothing" and any(reasons):
        return [(line, why or "cart_incomplete") for line, why in zip(wanted, reasons, strict=True)]
    for reservation, reason in zip(wanted, reasons, strict=True):
        if reason is None:
            move(book, reservation, "hold", reservation.quantity)
            book.changes.holds_active[lane] += 1
    return list(zip(wanted, reasons, strict=True))


def _offered(policy: Policy) -> tuple[Item, ...]:
    return tuple(Item(line.product_id, line.variant_id, line.quantity) for line in policy.items)


def _reject(reservation: Reservation, reason: Reason) -> None:
    reservation.status = "rejected"
    reservation.reason = reason
    reservation.ended_at = reservation.created_at


def _new_admission(event: Admitted, lane: int, policy: Policy) -> Admission:
    return Admission(
        key=admission_key(event),
        lane=lane,
        consumer_id=event.consumer_id,
        experience_id=event.experience_id,
        distribution_id=event.distribution_id,
        distribution_type=event.distribution_type or "other",
        # Where the id is made of the token, its digest is not stored a second time.
        token_digest=event.token_digest if event.admission_id is not None else None,
        admitted_at=event.admitted_at,
        expires_at=hold_end(event, policy),
    )


def _new_reservation(
    book: Book, admission: Admission, arrival: Arrival, item: Item, policy: Policy
) -> Reservation:
    reservation = Reservation(
        id=reservation_id(admission, item.product_id, item.variant_id),
        lane=arrival.lane,
        admission_key=admission.key,
        experience_id=admission.experience_id,
        product_id=item.product_id,
        variant_id=item.variant_id,
        quantity=item.quantity,
        strategy=policy.strategy,
        status="active",
        expires_at=admission.expires_at,
        created_at=admission.admitted_at,
    )
    reservation.strategy = strategy_of_line(book, reservation)
    return reservation
