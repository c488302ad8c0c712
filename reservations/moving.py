"""An admission tells late of which experience it is: what it has moves to that one's policy.

All is let go and carried out anew, as if the experience had been known all along. What was paid for
moves only where its new place has the units: nobody loses it because a word came late.
"""

from copy import copy

from reservations.book import Book
from reservations.rows import SOLD, give_back, prepare, set_status
from reservations.strategies import refusal
from schemas.events import Arrival
from schemas.reservation import Admission, Reservation


def starts_to_move(book: Book, admission: Admission) -> bool:
    """Tell whether what an admission has is to be let go now. It is asked once for each such word.

    Where a sale has to stay, all rows stay where they are. Those that are of no pool take the name
    of the experience all the same.
    """
    if admission.key not in book.told_late:
        return False
    book.told_late.remove(admission.key)
    rows = book.reservations[admission.key]
    if all(_may_move(book, admission, one) for one in rows if one.status in SOLD):
        return True
    for one in rows:
        if one.strategy != "pool":
            one.experience_id = admission.experience_id
            book.touch_reservation(one)
    return False


def let_go(book: Book, arrival: Arrival, admission: Admission) -> None:
    """Undo holds without a word, and note where the units would come from now."""
    for reservation in book.reservations[admission.key]:
        if reservation.status == "active":
            give_back(book, reservation, reservation.quantity)
            set_status(book, arrival, reservation, "expired", "hold_elapsed")
        prepare(book, reservation, admission)
        book.touch_reservation(reservation)


def _may_move(book: Book, admission: Admission, sold: Reservation) -> bool:
    """Tell whether what was paid for is there for certain when it is taken anew.

    Where it comes from the same stock again it is what was given back, unless a shortage takes its
    part of that.
    """
    if sold.status == "unfulfilled":
        return True  # it has nothing that it could lose
    anew = copy(sold)
    prepare(book, anew, admission)
    is_whole = not (sold.missing or sold.restocked)
    line = book.stock[sold.stock_key]
    if is_whole and _place(anew) == _place(sold) and not book.asked.short(line):
        return True
    return refusal(book, anew, sold.quantity + sold.missing) is None


def _place(reservation: Reservation) -> object:
    return reservation.pool_key if reservation.strategy == "pool" else None
