"""Events from so long ago that what they did may be forgotten: a repetition cannot be told."""

from typing import cast

from reservations.book import Book
from reservations.say import say_of_fact
from schemas.events import Admitted, Arrival, Fact, event_time
from schemas.facts import KnownFact
from schemas.vocabulary import Result


def is_forgotten(book: Book, event: Admitted | Fact) -> bool:
    """Tell whether what an event did, had it come before, may have been pruned."""
    return event_time(event) < book.pruned_before


def refuse_forgotten(book: Book, arrival: Arrival, event: Admitted | Fact) -> Result:
    """Say that an event comes too late to be told from one that was applied; nothing is held."""
    known = KnownFact(cast(Fact, event), arrival.cause, arrival.trace)
    say_of_fact(book, "orphaned", known, event_time(event), arrival.lane, "too_old")
    return "refused"
