"""What may be done to one reservation: the movement of its units, its row, and what is said."""

from datetime import datetime
from uuid import UUID

from reservations.book import Book
from reservations.say import say
from reservations.strategies import move
from schemas.events import Arrival, event_time
from schemas.identity import time_ordered_id
from schemas.reservation import Admission, Reservation
from schemas.vocabulary import OutcomeType, Reason, Status

# Reasons of an end that the shopper's cart asked for: no later closing changes them.
BY_CART: frozenset[Reason] = frozenset({"cart_changed", "released_on_request"})
SOLD: frozenset[Status] = frozenset({"converted", "unfulfilled", "returned"})


def new_reservation(
    admission: Admission, sku: tuple[str, str], quantity: int, reason: Reason
) -> Reservation:
    """Make the row of a stock line that holds nothing yet."""
    product_id, variant_id = sku
    return Reservation(
        id=reservation_id(admission, product_id, variant_id),
        lane=admission.lane,
        admission_key=admission.key,
        experience_id=admission.experience_id,
        product_id=product_id,
        variant_id=variant_id,
        quantity=quantity,
        strategy=admission.policy.strategy,
        status="rejected",
        expires_at=admission.expires_at,
        created_at=admission.admitted_at,
        ended_at=admission.admitted_at,
        reason=reason,
    )


def prepare(book: Book, reservation: Reservation, admission: Admission) -> None:
    """Note where the units of a line that holds nothing would come from, as it is known now."""
    reservation.experience_id = admission.experience_id
    line = book.stock.get(reservation.stock_key)
    # An untracked line has no units to set aside.
    is_untracked = line is not None and not line.tracked
    reservation.strategy = "soft" if is_untracked else admission.policy.strategy


def reservation_id(admission: Admission, product_id: str, variant_id: str) -> UUID:
    """Give the id of an admission's reservation of a stock line, whichever record brings it."""
    return time_ordered_id(admission.admitted_at, *admission.key, product_id, variant_id)


def sku_of(reservation: Reservation) -> tuple[str, str]:
    """Give the product and the variant of a reservation."""
    return reservation.product_id, reservation.variant_id


def is_ended(reservation: Reservation) -> bool:
    """Tell whether a hold ended by a closing of its admission, and not by the cart."""
    return reservation.status in ("released", "expired") and reservation.reason not in BY_CART


def set_status(
    book: Book,
    arrival: Arrival,
    reservation: Reservation,
    status: Status,
    reason: Reason | None,
    at: datetime | None = None,  # of the end; the event's time unless given
) -> None:
    """Write what became of a reservation, and count it if it is active or was."""
    active = (status == "active") - (reservation.status == "active")
    if active:
        book.changes.holds_active[arrival.lane] += active
    reservation.status, reservation.reason = status, reason
    reservation.ended_at = None if status == "active" else at or event_time(arrival.event)
    if status != "active":
        reservation.at_risk, reservation.warned = 0, False
    book.touch_reservation(reservation)


def give_back(book: Book, reservation: Reservation, quantity: int) -> None:
    """Take units of an active hold away from it; those at risk go first."""
    move(book, reservation, "give_back", quantity)
    reservation.at_risk = max(0, reservation.at_risk - quantity)
    reservation.warned = reservation.warned and reservation.at_risk > 0
    book.touch_reservation(reservation)


def end_hold(
    book: Book,
    arrival: Arrival,
    reservation: Reservation,
    ended: Status,
    reason: Reason,
    at: datetime,
) -> None:
    """End a hold, give all its units back and say so. One that has ended so already stays."""
    if (reservation.status, reservation.reason) == (ended, reason):
        return
    if _elapsed_by_tick(book, reservation) and ended == "expired":
        return  # that Fanfare says so too, which it does after every tick, is no news
    if reservation.status == "active":
        give_back(book, reservation, reservation.quantity)
    set_status(book, arrival, reservation, ended, reason, at)
    word: OutcomeType = "expired" if ended == "expired" else "released"
    admission = book.admissions[reservation.admission_key]
    say(book, word, admission, reservation, arrival, reason=reason)


def _elapsed_by_tick(book: Book, reservation: Reservation) -> bool:
    return (
        reservation.reason == "hold_elapsed"
        and reservation.status == "expired"
        and book.last_tick_of(reservation.lane) >= reservation.expires_at
    )


def release_part(
    book: Book, arrival: Arrival, reservation: Reservation, quantity: int, reason: Reason
) -> None:
    """Give some units of an active hold back, and say so."""
    give_back(book, reservation, quantity)
    reservation.quantity -= quantity
    admission = book.admissions[reservation.admission_key]
    say(book, "released", admission, reservation, arrival, quantity=quantity, reason=reason)
