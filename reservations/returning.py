"""Sold units come back: an order was cancelled, or the sale was of another admission or order."""

from datetime import datetime

from reservations.book import Book
from reservations.rows import set_status
from reservations.say import say
from reservations.strategies import move, refusal
from schemas.events import Arrival
from schemas.reservation import Reservation
from schemas.vocabulary import Reason, Status


def undo_sale(book: Book, arrival: Arrival, reservation: Reservation, *, in_cart: bool) -> None:
    """Put a row back to where it was before it was sold: held if it was, else ended.

    Nothing is said: what the row becomes then, is.
    """
    is_sold = reservation.status == "converted" or (
        reservation.status == "returned" and not reservation.restocked
    )
    held = _unsell(book, reservation) if is_sold else 0
    if held and in_cart:
        reservation.quantity = held
        set_status(book, arrival, reservation, "active", None)
    else:
        if held:
            move(book, reservation, "give_back", held)
        reason: Reason = "hold_elapsed" if in_cart else "not_in_cart"
        status: Status = "expired" if in_cart else "rejected"
        set_status(book, arrival, reservation, status, reason)
    reservation.order_id, reservation.late, reservation.restocked = None, False, False
    reservation.missing = reservation.oversold = 0


def _unsell(book: Book, reservation: Reservation) -> int:
    """Make sold units held ones again, and give how many; oversold ones are there no more."""
    held = reservation.quantity - reservation.oversold
    if held:
        move(book, reservation, "convert", -held)
    if reservation.oversold:
        move(book, reservation, "take_back", reservation.oversold)
    return held


def is_to_return(book: Book, reservation: Reservation, *, restock: bool) -> bool:
    """Tell whether the units of a cancelled order are not yet where the policy wants them.

    An admission may tell late which experience it is of, whose policy writes such units off. Those
    that were put back, and that somebody else has by now, stay put back.
    """
    if reservation.status != "returned":
        return reservation.status == "converted"
    is_otherwise = reservation.restocked and not restock
    return is_otherwise and refusal(book, reservation, reservation.quantity) is None


def take_back(
    book: Book, arrival: Arrival, reservation: Reservation, at: datetime, *, restock: bool
) -> None:
    """Return the units of a cancelled order to where they came from, unless the policy does not."""
    reason: Reason = "order_cancelled" if restock else "order_cancelled_not_restocked"
    if restock:
        move(book, reservation, "take_back", reservation.quantity)
        reservation.oversold = 0
    elif reservation.restocked:
        move(book, reservation, "hold", reservation.quantity)
        move(book, reservation, "convert", reservation.quantity)
    set_status(book, arrival, reservation, "returned", reason, at)
    reservation.restocked = restock
    admission = book.admissions[reservation.admission_key]
    say(
        book,
        "returned",
        admission,
        reservation,
        arrival,
        reason=reason,
        order_id=reservation.order_id,
    )
