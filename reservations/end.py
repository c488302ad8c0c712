"""A hold ends without a sale: Fanfare ended the admission, or a tick passed the hold's end."""

from datetime import datetime
from typing import Final, Literal

from reservations.book import Book
from reservations.say import say
from reservations.strategies import move
from schemas.events import AdmissionEnded, Arrival
from schemas.reservation import Admission, Reservation
from schemas.vocabulary import AdmissionEnd, Reason, Result

Ended = Literal["released", "expired"]

# How Fanfare's end of an admission ends its holds. Source: Cart Reservation Guide, "On
# Abandonment"; Fanfare's pages on leaving and denying.
ENDS: Final[dict[AdmissionEnd, tuple[Ended, Reason]]] = {
    "expired": ("expired", "admission_expired"),
    "left": ("released", "consumer_left"),
    "denied": ("released", "consumer_denied"),
}


def end_admission(
    book: Book, arrival: Arrival, admission: Admission, event: AdmissionEnded
) -> Result:
    """End the holds of an admission. After a checkout or an earlier end it changes nothing."""
    if admission.ended_at is not None:
        return "duplicate"
    # Noted also after a checkout, which it cannot undo: a repetition then finds it here.
    admission.ended_at, admission.end = event.ended_at, event.end
    book.touch_admission(admission)
    if admission.completed_at is not None:
        return "duplicate"
    ended, reason = ENDS[event.end]
    for reservation in book.reservations[admission.key]:
        if reservation.status == "active":
            end_hold(book, arrival, reservation, ended, reason, event.ended_at)
    return "applied"


def expire(book: Book, tick: Arrival, reservation: Reservation, at: datetime) -> None:
    """End a hold whose time is over, unless something has ended it before."""
    if reservation.status == "active" and reservation.expires_at <= at:
        end_hold(book, tick, reservation, "expired", "hold_elapsed", at)


def end_hold(
    book: Book,
    arrival: Arrival,
    reservation: Reservation,
    ended: Ended,
    reason: Reason,
    at: datetime,
) -> None:
    """Give all units of an active reservation back, and say so."""
    move(book, reservation, "give_back", reservation.quantity)
    book.changes.holds_active[arrival.lane] -= 1
    reservation.status, reservation.reason, reservation.ended_at = ended, reason, at
    book.touch_reservation(reservation)
    admission = book.admissions[reservation.admission_key]
    say(book, ended, admission, reservation, arrival, reason=reason)
