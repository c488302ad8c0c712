"""Facts that wait for their admission, for as long as the policy lets them."""

from datetime import timedelta
from typing import Final

from reservations.book import Book
from reservations.placing import AMBIGUOUS
from reservations.say import say_of_fact
from schemas.events import Arrival, CartUpdated, ExpiryTick, event_time
from schemas.facts import KnownFact
from schemas.identity import time_ordered_id
from schemas.reservation import EarlyFact
from schemas.vocabulary import Reason

# An early fact is found by its admission when that comes. Only where the two came in different
# lanes at one time can they miss each other: for that it is tried again on ticks.
RETRY_EARLY_FACTS_AFTER: Final = timedelta(seconds=30)


def early_fact(book: Book, arrival: Arrival, known: KnownFact) -> EarlyFact:
    """Make the row of a fact that waits."""
    fact = known.fact
    policy = book.policy(fact.organization_id, fact.experience_id)
    # From now on, not from the event's time: one that was delivered late waits as long as others.
    since = max(book.now, book.last_tick_of(arrival.lane))
    # A fact that has to wait anew, maybe in the batch in which it was applied, is another row.
    again = (*arrival.cause[:4], event_time(arrival.event)) if known.moved else ()
    return EarlyFact(
        id=time_ordered_id(event_time(fact), "early", *known.cause[:4], fact.consumer_id, *again),
        lane=arrival.lane,
        known=known,
        retry_at=since + RETRY_EARLY_FACTS_AFTER,
        expires_at=since + timedelta(seconds=policy.early_fact_seconds),
    )


def wait_on(book: Book, tick: Arrival, early: EarlyFact, event: ExpiryTick) -> None:
    """Let a fact that was tried in vain wait on, or give it up when its time to live is over."""
    if early.expires_at <= event.at:
        give_up(book, tick, early)
        return
    # As long again as it has waited: a race of two lanes is over in seconds.
    waited = max(event.at - event_time(early.known.fact), RETRY_EARLY_FACTS_AFTER)
    early.retry_at = min(early.expires_at, event.at + waited)
    book.touch_fact(early)


def give_up(book: Book, tick: Arrival, early: EarlyFact) -> None:
    """Say that a fact waited in vain. An empty cart asked for nothing: it ends without a word."""
    book.end_fact(early)
    fact = early.known.fact
    if isinstance(fact, CartUpdated) and not fact.items:
        return
    ambiguous = early.known.answer == AMBIGUOUS
    reason: Reason = "several_admissions" if ambiguous else "admission_unknown"
    say_of_fact(book, "orphaned", early.known, event_time(tick.event), tick.lane, reason)
