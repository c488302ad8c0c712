"""A story as lines: a heading, the events with what followed from each, and how it stands now."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from schemas.events import event_time
from schemas.reservation import EarlyFact
from service.explain.lines import UNDER_EVENT, Line, Role
from service.explain.nothing import MIGRATED, why_nothing
from service.explain.order import happenings
from service.explain.refusals import why_lines
from service.explain.said import line_in_words, outcome_in_words
from service.explain.silence import end_in_silence
from service.explain.story import Happening, Source, Story
from service.explain.words import (
    Clock,
    clock_of,
    duration_in_words,
    fact_in_words,
    items_in_words,
    sku_in_words,
)

REFUSALS: Final = ("rejected", "refused", "unfulfilled")


def tell(story: Story) -> Iterator[Line]:
    """Tell a story line by line."""
    clock = clock_of(story.admission.admitted_at.astimezone(UTC).date())
    yield from _heading(story)
    yield Line("")
    yield Line("What happened, in the order in which it was decided (times are UTC)", 0, "heading")
    if story.is_cut:
        yield Line("The front of the journal was pruned: what was said first is not told here.")
    for one in happenings(story):
        yield from _event(one, story, clock)
    yield from end_in_silence(story, clock)
    yield Line("")
    yield Line("How it stands now", 0, "heading")
    yield from _standing(story, clock)


def _heading(story: Story) -> Iterator[Line]:
    admission = story.admission
    also = f", also known as {admission.also_id}" if admission.also_id else ""
    before = f", before that {admission.guest_id}" if admission.guest_id else ""
    known = {
        "admission": f"{admission.key.admission_id}{also}",
        "organization": admission.key.organization_id,
        "shopper": f"{admission.consumer_id}{before}",
        "experience": admission.experience_id or "-",
        "distribution": f"{admission.distribution_id or '-'} ({admission.distribution_type})",
        "admitted": _instant(admission.admitted_at),
        "hold until": _instant(admission.expires_at),
    }
    for name, value in known.items():
        yield Line(f"{name:<14}{value}")


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _event(one: Happening, story: Story, clock: Clock) -> Iterator[Line]:
    source = f"  [{source_in_words(one.source)}]" if one.source is not None else ""
    again = "once more: " if one.is_again else ""
    yield Line(f"{clock(one.at)}  {again}{event_in_words(one)}{source}", 0, "event")
    if one.late_by is not None and one.decided_at is not None:
        later = duration_in_words(one.late_by)
        yield Line(f"decided {later} later, at {clock(one.decided_at)}", UNDER_EVENT)
    yield from _what_followed(one, story, clock)
    if one.waits_until is not None:
        until = clock(one.waits_until)
        yield Line(f"waits for its admission until {until}, may be about this one", UNDER_EVENT)
    if (why := why_nothing(one, story, clock)) is not None:
        yield Line(f"changed nothing: {why}", UNDER_EVENT)


def _what_followed(one: Happening, story: Story, clock: Clock) -> Iterator[Line]:
    """Tell the outcomes; what a reason means, once for each event."""
    explained: set[str | None] = set()
    for told in one.outcomes:
        outcome = told.outcome
        role: Role = "refusal" if outcome.type in REFUSALS else "outcome"
        yield Line(outcome_in_words(outcome, clock), UNDER_EVENT, role)
        found = story.holders.get(outcome.outcome_id)
        if found is not None or outcome.reason not in (None, *explained):
            yield from why_lines(told, found, story.admission.key.admission_id, clock)
            explained.add(outcome.reason)


def event_in_words(one: Happening) -> str:
    """Say what an event is."""
    if one.kind == "admitted":
        cart = getattr(one.known.fact, "items", ()) if one.known is not None else ()
        return f"admitted, with a cart: {items_in_words(cart)}" if cart else "admitted"
    if one.known is not None:
        return fact_in_words(one.known.fact)
    ended = any(told.outcome.type == "expired" for told in one.outcomes)
    tick = "a tick passed the hold's end" if ended else "a tick"
    return {
        "tick": tick,
        "sweep": f"{tick}, found by a sweep of the lane",
        "readmitted": "an admission of the shopper: this one once more, or another",
    }.get(one.kind, "an event that is not kept")


def source_in_words(source: Source) -> str:
    """Say where a record is: topic/partition@offset."""
    if source.topic == MIGRATED:
        return "from before an upgrade"
    offset = "" if source.offset is None else f"@{source.offset}"
    return f"{source.topic}/{source.partition}{offset}"


def waiting_lines(early: EarlyFact, clock: Clock) -> Iterator[Line]:
    """Tell of an event that waits for its admission."""
    fact, source = early.known.fact, source_in_words(Source(*early.known.cause[:3]))
    yield Line(f"{clock(event_time(fact))}  {fact_in_words(fact)}  [{source}]", 0, "event")
    yield Line(f"waits for its admission until {clock(early.expires_at)}", UNDER_EVENT)


def _standing(story: Story, clock: Clock) -> Iterator[Line]:
    for line in story.reservations:
        yield Line(f"{line_in_words(line, clock)}  [reservation {line.id}]", 2)
    if not story.reservations:
        yield Line("nothing is held, and nothing was", 2)
    for line_now in story.stock:
        yield Line(_counters(line_now._asdict()), 2)
    for pool in story.pools:
        yield Line(_counters(pool._asdict()), 2)


def _counters(counts: dict[str, Any]) -> str:
    del counts["organization_id"]
    name = sku_in_words(counts.pop("product_id"), counts.pop("variant_id"))
    experience_id = counts.pop("experience_id", None)
    where = f"pool of {name} for {experience_id}" if experience_id else f"stock of {name}"
    if counts.pop("tracked", True) is False:
        return f"{where}: untracked, sold {counts['sold']}"
    said = {field: count for field, count in counts.items() if count or field == "available"}
    return f"{where}: " + ", ".join(f"{field} {count}" for field, count in said.items())
