"""The rules: events applied one by one to a loaded book. No I/O, no clock, no await."""

from collections.abc import Iterable

from reservations.admit import apply_admitted
from reservations.book import Book, Changes, shopper_of
from reservations.facts import apply_fact, reconsider
from reservations.matching import known_admission
from reservations.rows import end_hold
from reservations.say import say
from reservations.say_adjusted import say_adjusted
from reservations.shopper import Shopper, shopper_keys
from reservations.waiting import wait_on
from schemas.events import Admitted, Arrival, ExpiryTick
from schemas.reservation import EarlyFact, Reservation
from schemas.vocabulary import Result


def decide(book: Book, arrivals: Iterable[Arrival]) -> Changes:
    """Apply the events in their order, and give what has to be saved and said."""
    for arrival in arrivals:
        result = _apply(book, arrival)
        book.changes.results[arrival.cause.topic, result] += 1
    return book.changes


def _apply(book: Book, arrival: Arrival) -> Result:
    match arrival.event:
        case Admitted() as event:
            return apply_admitted(book, arrival, event)
        case ExpiryTick() as event:
            return _apply_tick(book, arrival, event)
        case fact:
            return apply_fact(book, arrival, fact)


def _apply_tick(book: Book, tick: Arrival, event: ExpiryTick) -> Result:
    last = book.last_tick_of(tick.lane)
    # A sweep that the lane asked for itself carries on from its last tick.
    if event.at <= last and tick.cause.offset is not None:
        return "stale"
    book.last_tick[tick.lane] = max(last, event.at)
    for reservation in book.due_holds[tick.lane]:
        _expire(book, tick, reservation, event)
    for fact in book.due_facts[tick.lane]:
        _try_again(book, tick, fact, event)
    for reservation in book.due_warnings[tick.lane]:
        _warn(book, tick, reservation)
    for adjustment in book.due_adjustments[tick.lane]:
        say_adjusted(book, tick, adjustment)
    return "applied"


def _expire(book: Book, tick: Arrival, reservation: Reservation, event: ExpiryTick) -> None:
    """End a hold whose time is over, unless something has ended or extended it before."""
    if reservation.status == "active" and reservation.expires_at <= event.at:
        end_hold(book, tick, reservation, "expired", "hold_elapsed", reservation.expires_at)


def _try_again(book: Book, tick: Arrival, early: EarlyFact, event: ExpiryTick) -> None:
    """Apply a fact whose admission has come since; give it up when its time to live is over."""
    if not _waits(book, early):
        return  # its admission came earlier in this batch
    _place_anew(book, tick, early)
    if _waits(book, early):
        wait_on(book, tick, early, event)
        if not _waits(book, early):  # it was given up: others of its order stand without it
            _place_anew(book, tick, early)


def _place_anew(book: Book, tick: Arrival, early: EarlyFact) -> None:
    fact = early.known.fact
    reconsider(book, tick, Shopper(book, *shopper_keys(fact, known_admission(book, fact))))


def _waits(book: Book, early: EarlyFact) -> bool:
    return any(one is early for one in book.facts_by_consumer.get(shopper_of(early), ()))


def _warn(book: Book, tick: Arrival, reservation: Reservation) -> None:
    """Say that an operator took units away that are held; nobody loses them in silence.

    Where units came back meanwhile, so many are not at risk any more.
    """
    if not reservation.at_risk or reservation.warned:
        return
    book.touch_reservation(reservation)
    short = book.asked.short(book.stock[reservation.stock_key])
    reservation.at_risk = min(reservation.at_risk, short)
    reservation.warned = reservation.at_risk > 0
    if reservation.warned:
        admission = book.admissions[reservation.admission_key]
        units = reservation.at_risk
        say(book, "at_risk", admission, reservation, tick, quantity=units, reason="stock_withdrawn")
