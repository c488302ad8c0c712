"""What is said where rows were let go and carried out anew: only what came out otherwise."""

from collections.abc import Sequence

from reservations.book import Book
from reservations.rows import SOLD
from reservations.say import say
from schemas.events import Arrival
from schemas.outcomes import Outcome
from schemas.reservation import Admission, Reservation
from schemas.vocabulary import OutcomeType


def say_only_what_changed(
    book: Book, arrival: Arrival, admission: Admission, before: Sequence[Reservation], said: int
) -> None:
    """Leave out what was said of rows that became what they had been; say it of those that not."""
    rows = {one.id: one for one in book.reservations[admission.key]}
    outcomes = book.changes.outcomes
    for old in before:
        new = rows[old.id]
        about = [one for one in outcomes[said:] if one.reservation_id == old.id]
        if _state(new) == _state(old):
            new.ended_at = old.ended_at
            _leave_out(outcomes, said, about)
        elif old.status == "active":
            sale = [one for one in about if new.status in SOLD and one.type != "reserved"]
            _leave_out(outcomes, said, [one for one in about if one not in sale])
            _say_of_hold(book, arrival, admission, old, new)
        elif old.status in SOLD and new.status == "active":
            # All that is held is said: what was added to a hold before its end counts no more.
            _leave_out(outcomes, said, [one for one in about if one.type != "rejected"])
            _say_what_it_is(book, arrival, admission, new)
        elif _is_held_by_none(old, new):
            _leave_out(outcomes, said, about[:-1])  # it was held for a moment, to no purpose
        elif not about:
            _say_what_it_is(book, arrival, admission, new)


def _is_held_by_none(old: Reservation, new: Reservation) -> bool:
    """Tell whether a row is nobody's, before and after: it has ended, or was returned."""
    statuses = {old.status, new.status}
    return statuses == {"returned"} or not statuses.intersection(("active", *SOLD))


def _say_of_hold(
    book: Book, arrival: Arrival, admission: Admission, old: Reservation, new: Reservation
) -> None:
    """Say what became of a hold to those who know it as it was: a refusal alone ends none."""
    more = new.quantity - old.quantity if new.status == "active" else -old.quantity
    if more > 0:
        until = admission.expires_at
        say(book, "reserved", admission, new, arrival, quantity=more, expires_at=until)
    elif new.status not in SOLD:
        word: OutcomeType = "expired" if new.status == "expired" else "released"
        reason = new.reason or "cart_changed"
        say(book, word, admission, new, arrival, quantity=-more, reason=reason)
    if new.status == "rejected":
        _say_what_it_is(book, arrival, admission, new)


def _say_what_it_is(
    book: Book, arrival: Arrival, admission: Admission, reservation: Reservation
) -> None:
    match reservation.status:
        case "active":
            until = admission.expires_at
            say(book, "reserved", admission, reservation, arrival, expires_at=until)
        case ("rejected" | "released" | "expired") as word:
            say(book, word, admission, reservation, arrival, reason=reservation.reason)


def _leave_out(outcomes: list[Outcome], said: int, about: Sequence[Outcome]) -> None:
    outcomes[said:] = [one for one in outcomes[said:] if one not in about]


def _state(reservation: Reservation) -> tuple[object, ...]:
    is_sold = reservation.status in SOLD
    return (
        reservation.status,
        reservation.quantity,
        None if is_sold else reservation.reason,
        reservation.order_id,
        reservation.late,
        reservation.missing,
        reservation.oversold,
        reservation.restocked,
    )
