"""Events that name an admission which has not come, or never did. No I/O."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_jsonable_python

from db.explain_journal import Told
from schemas.events import event_time
from schemas.reservation import EarlyFact
from service.explain.documents import waiting_document
from service.explain.lines import UNDER_EVENT, Line
from service.explain.refusals import why_lines
from service.explain.said import outcome_in_words
from service.explain.story import source_of
from service.explain.text import source_in_words, waiting_lines
from service.explain.words import clock_of


@dataclass(frozen=True, slots=True)
class Strays:
    """What is known of an admission that is not known."""

    id: str
    waiting: Sequence[EarlyFact] = ()
    outcomes: Sequence[Told] = ()
    pruned_before: datetime | None = None  # it may have been over before, and be forgotten

    def __bool__(self) -> bool:
        return bool(self.waiting or self.outcomes)


def tell_strays(strays: Strays) -> Iterator[Line]:
    """Tell what waits for an admission, and what waited in vain."""
    times = [event_time(early.known.fact) for early in strays.waiting]
    times += [told.outcome.occurred_at for told in strays.outcomes]
    began = min(times).astimezone(UTC)
    clock = clock_of(began.date())
    yield Line(f"No admission {strays.id} has come. What named it:", 0, "heading")
    yield Line(f"{began:%Y-%m-%d}, times are UTC")
    for told in strays.outcomes:
        source = source_of(told)
        order = f", order {told.outcome.order_id}" if told.outcome.order_id else ""
        words = f"{clock(told.outcome.occurred_at)}  an event{order}  [{source_in_words(source)}]"
        yield Line(words, 0, "event")
        yield Line(outcome_in_words(told.outcome, clock), UNDER_EVENT, "refusal")
        yield from why_lines(told, None, strays.id, clock)
    for early in strays.waiting:
        yield from waiting_lines(early, clock)


def strays_document(strays: Strays) -> dict[str, Any]:
    """Give the same for machines."""
    shown: dict[str, Any] = {
        "admission": None,
        "waiting": [waiting_document(early) for early in strays.waiting],
        "outcomes": [told.outcome.document() for told in strays.outcomes],
    }
    answer: dict[str, Any] = to_jsonable_python(shown)
    return answer
