"""What is known of an admission, and the events that its story is made of. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple
from uuid import UUID

from db.explain_journal import Told
from db.pools import PoolShown
from db.stock import StockShown
from schemas.facts import KnownFact
from schemas.reservation import Admission, EarlyFact, Reservation
from schemas.vocabulary import Topic
from service.explain.holders import Holder

Kind = Literal["admitted", "readmitted", "fact", "tick", "sweep", "other"]

# An event that is decided this much later came late, or had to wait.
_LATE: Final = timedelta(seconds=5)


class Source(NamedTuple):
    """The record that brought an event."""

    topic: str
    partition: int
    offset: int | None


def source_of(told: Told) -> Source:
    """Give the record behind an outcome."""
    cause = told.outcome.cause
    return Source(cause.topic, cause.partition, cause.offset)


@dataclass(frozen=True, slots=True)
class Story:
    """All that is known of an admission; `holders` are by the id of the refusal."""

    admission: Admission
    reservations: Sequence[Reservation] = ()
    outcomes: Sequence[Told] = ()  # in the order of their places
    waiting: Sequence[EarlyFact] = ()
    holders: Mapping[UUID, Sequence[Holder]] = field(default_factory=dict)
    stock: Sequence[StockShown] = ()
    pools: Sequence[PoolShown] = ()
    topics: Mapping[Topic, str] = field(default_factory=dict)
    is_cut: bool = False  # the front of the journal was pruned


@dataclass(frozen=True, slots=True)
class Happening:
    """An event, and what followed from it. Not decided: nothing was said, nobody noted when."""

    kind: Kind
    at: datetime
    source: Source | None
    known: KnownFact | None = None
    decided_at: datetime | None = None
    outcomes: Sequence[Told] = ()
    is_again: bool = False  # it was decided before, and now anew
    waits_until: datetime | None = None  # it is of no admission yet

    @property
    def late_by(self) -> timedelta | None:
        """Give how much later it was decided, where that is worth a word."""
        if self.decided_at is None or self.decided_at - self.at <= _LATE:
            return None
        return self.decided_at - self.at
