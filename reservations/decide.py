"""The rules: events applied one by one to a loaded book. No I/O, no clock, no await."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final, assert_never

from reservations.admit import admit
from reservations.book import Book, Changes
from reservations.complete import complete
from reservations.end import end_admission, expire
from reservations.matching import Fact, known_admission, match
from reservations.say import cause_of, say_orphaned
from schemas.events import (
    AdmissionEnded,
    Admitted,
    Arrival,
    CheckoutCompleted,
    ExpiryTick,
    event_time,
)
from schemas.identity import time_ordered_id
from schemas.reservation import Admission, EarlyFact
from schemas.vocabulary import Result

# An early fact is found by its admission when that comes. Only where the two came in different
# lanes at one time can they miss each other: for that it is tried again on ticks.
RETRY_EARLY_FACTS_AFTER: Final = timedelta(seconds=30)


def decide(book: Book, arrivals: Iterable[Arrival]) -> Changes:
    """Apply the events in their order, and give what has to be saved and said."""
    for arrival in arrivals:
        result = _apply(book, arrival)
        book.changes.results[arrival.cause.topic, result] += 1
    return book.changes


def _apply(book: Book, arrival: Arrival) -> Result:
    event = arrival.event
    match event:
        case Admitted():
            return _apply_admitted(book, arrival, event)
        case CheckoutCompleted() | AdmissionEnded():
            return _apply_fact(book, arrival, event)
        case ExpiryTick():
            return _apply_tick(book, arrival, event)
        case never:
            assert_never(never)


def _apply_admitted(book: Book, arrival: Arrival, event: Admitted) -> Result:
    if known_admission(book, event) is not None:
        return "duplicate"
    admission = admit(book, arrival, event)
    _apply_waiting_facts(book, admission)
    return "applied"


def _apply_fact(book: Book, arrival: Arrival, event: Fact) -> Result:
    admission = match(book, event)
    if admission is not None:
        return _apply_to(book, arrival, admission, event)
    if any(_is_same(waiting.fact, event) for waiting in book.facts_of(event)):
        return "duplicate"
    book.add_fact(_early_fact(book, arrival, event))
    return "early"


def _apply_to(book: Book, arrival: Arrival, admission: Admission, event: Fact) -> Result:
    if isinstance(event, CheckoutCompleted):
        return complete(book, arrival, admission, event)
    return end_admission(book, arrival, admission, event)


def _apply_tick(book: Book, tick: Arrival, event: ExpiryTick) -> Result:
    last = book.last_tick_of(tick.lane)
    # A sweep that the lane asked for itself carries on from its last tick.
    if event.at <= last and tick.cause.offset is not None:
        return "stale"
    book.last_tick[tick.lane] = max(last, event.at)
    for reservation in book.due_holds[tick.lane]:
        expire(book, tick, reservation, event.at)
    for fact in book.due_facts[tick.lane]:
        _try_again(book, tick, fact, event)
    return "applied"


def _apply_waiting_facts(book: Book, admission: Admission) -> None:
    """Apply what came before its admission: checkouts first, for money outranks an end."""
    key = (admission.key.organization_id, admission.consumer_id)
    facts = book.facts_by_consumer.get(key, ())
    for fact in sorted(facts, key=_checkouts_first):
        # Asked of each in its turn: what one of them changed may send the next elsewhere.
        if match(book, fact.fact) is admission:
            _apply_waiting(book, admission, fact, admission.lane)


def _try_again(book: Book, tick: Arrival, fact: EarlyFact, event: ExpiryTick) -> None:
    """Apply a fact whose admission has come since; give it up when its time to live is over."""
    if fact not in book.facts_of(fact.fact):
        return  # its admission came earlier in this batch
    admission = match(book, fact.fact)
    if admission is not None:
        _apply_waiting(book, admission, fact, tick.lane)
    elif fact.expires_at <= event.at:
        say_orphaned(book, fact, tick)
        book.end_fact(fact)
    else:
        # As long again as it has waited: a race of two lanes is over in seconds.
        waited = max(event.at - event_time(fact.fact), RETRY_EARLY_FACTS_AFTER)
        fact.retry_at = min(fact.expires_at, event.at + waited)
        book.changes.facts[fact.id] = fact


def _apply_waiting(book: Book, admission: Admission, fact: EarlyFact, lane: int) -> None:
    arrival = Arrival(fact.fact, lane, cause_of(fact), fact.traceparent)
    book.end_fact(fact)
    _apply_to(book, arrival, admission, fact.fact)


def _is_same(one: Fact, other: Fact) -> bool:
    """Tell whether two facts say the same, be it under two delivery ids."""
    return one == other.model_copy(update={"event_id": one.event_id})


def _checkouts_first(fact: EarlyFact) -> tuple[bool, float]:
    return isinstance(fact.fact, AdmissionEnded), event_time(fact.fact).timestamp()


def _early_fact(book: Book, arrival: Arrival, event: Fact) -> EarlyFact:
    policy = book.policy(event.organization_id, event.experience_id)
    cause = arrival.cause
    # From now on, not from the event's time: one that was delivered late waits as long as others.
    since = max(book.now, book.last_tick_of(arrival.lane))
    return EarlyFact(
        id=time_ordered_id(event_time(event), "early", *cause[:4], event.consumer_id),
        lane=arrival.lane,
        fact=event,
        topic=cause.topic,
        partition=cause.partition,
        offset=cause.offset or 0,
        line=cause.line,
        traceparent=arrival.traceparent,
        retry_at=since + RETRY_EARLY_FACTS_AFTER,
        expires_at=since + timedelta(seconds=policy.early_fact_seconds),
    )
