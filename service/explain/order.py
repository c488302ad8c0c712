"""Events in the order in which the worker decided, each with what followed from it. No I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, NamedTuple

from db.explain_journal import Told
from schemas.events import CartUpdated, event_time
from service.explain.story import Happening, Kind, Source, Story, source_of

_FIRST: Final = datetime.min.replace(tzinfo=UTC)


def happenings(story: Story) -> list[Happening]:
    """Tell an admission's story event by event."""
    groups = _by_source(story.outcomes)
    found = [*_facts(story, groups), *_waiting(story, groups), *_rest(story, groups)]
    if all(one.kind != "admitted" for one in found):
        found.append(Happening("admitted", story.admission.admitted_at, None))
    return _told_once(_in_order(found))


def _told_once(found: Iterable[Happening]) -> list[Happening]:
    """Mark repetitions of the admission: what is new of one, it is merged with."""
    admitted = 0
    marked = []
    for one in found:
        admitted += one.kind == "admitted"
        is_again = one.is_again or (one.kind == "admitted" and admitted > 1)
        marked.append(replace(one, is_again=is_again))
    return marked


def _by_source(outcomes: Iterable[Told]) -> dict[Source, list[list[Told]]]:
    """Group outcomes by the record behind them, and those of one record by the batch."""
    groups: dict[Source, list[list[Told]]] = {}
    for told in outcomes:
        batches = groups.setdefault(source_of(told), [])
        if not batches or batches[-1][0].written_at != told.written_at:
            batches.append([])
        batches[-1].append(told)
    return groups


def _facts(story: Story, groups: dict[Source, list[list[Told]]]) -> Iterable[Happening]:
    for known in story.admission.facts:
        source = Source(*known.cause[:3])
        at = event_time(known.fact)
        came_with = isinstance(known.fact, CartUpdated) and known.fact.at_admission
        kind: Kind = "admitted" if came_with else "fact"
        yield from _decisions(Happening(kind, at, source, known), groups.pop(source, []))


def _waiting(story: Story, groups: dict[Source, list[list[Told]]]) -> Iterable[Happening]:
    for early in story.waiting:
        source, at = Source(*early.known.cause[:3]), event_time(early.known.fact)
        waits = Happening("fact", at, source, early.known, waits_until=early.expires_at)
        yield from _decisions(waits, groups.pop(source, []))


def _decisions(one: Happening, batches: Sequence[Sequence[Told]]) -> Iterable[Happening]:
    """Give an event once for each batch in which something was said of it, and once at least."""
    if not batches:
        yield one
    for number, told in enumerate(batches):
        yield replace(one, decided_at=told[0].written_at, outcomes=told, is_again=number > 0)


def _rest(story: Story, groups: Mapping[Source, list[list[Told]]]) -> Iterable[Happening]:
    """Tell of events that are no facts: the admission itself, ticks, and what was not kept."""
    for source, batches in groups.items():
        for told in batches:
            at = told[0].outcome.occurred_at
            kind = _kind(source, at, story)
            yield Happening(kind, at, source, None, told[0].written_at, told)


def _kind(source: Source, at: datetime, story: Story) -> Kind:
    if source.offset is None:
        return "sweep"
    if source.topic == story.topics["expiry-ticks"]:
        return "tick"
    if source.topic == story.topics["admitted"]:
        return "admitted" if at == story.admission.admitted_at else "readmitted"
    return "other"


class _Place(NamedTuple):
    """A place among decisions; where nothing was said, `at` and `offset` put it after one."""

    written_at: datetime
    lane: int = -1
    sequence: int = 0
    at: datetime = _FIRST
    offset: int = 0


def _in_order(found: Sequence[Happening]) -> list[Happening]:
    """Put events in the order of decision.

    Where nothing was said, that is not known: then an event comes after those that happened
    before it, and after those that were before it in its topic.
    """
    said = [(_place(one), one) for one in found if one.outcomes]
    placed = list(said)
    for one in sorted((one for one in found if not one.outcomes), key=_offset):
        before = [place for place, other in said if other.at <= one.at]
        before += [place for place, other in placed if _is_behind(one, other)]
        after = max(before, default=_Place(one.at))
        place = after._replace(at=max(after.at, one.at), offset=_offset(one))
        placed.append((place, one))
    return [one for _, one in sorted(placed, key=lambda pair: pair[0])]


def _place(one: Happening) -> _Place:
    return _Place(*one.outcomes[0].place)


def _is_behind(one: Happening, other: Happening) -> bool:
    """Tell whether an event is behind another in their topic."""
    if one.source is None or other.source is None or one.source[:2] != other.source[:2]:
        return False
    return _offset(other) < _offset(one) and not other.is_again


def _offset(one: Happening) -> int:
    return -1 if one.source is None or one.source.offset is None else one.source.offset
