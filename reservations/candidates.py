"""What decides between a shopper's admissions: doors, times, and orders that were told before."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from reservations.commands import Extensions, Transfers
from schemas.events import (
    AdmissionEnded,
    CheckoutCompleted,
    ExtendRequested,
    Fact,
    TransferRequested,
    event_time,
)
from schemas.facts import KnownFact
from schemas.reservation import Admission

Door = tuple[str, str]  # distribution, experience


class Candidate:
    """An admission, as the facts that were placed so far leave it."""

    def __init__(self, admission: Admission, closed_at: datetime | None) -> None:
        self.admission = admission
        self.extensions = Extensions(admission)
        self.closed_at = closed_at
        self.ended_at: datetime | None = None
        self.orders: set[str] = set()
        self.transfers = Transfers(admission)

    @property
    def shoppers(self) -> tuple[str, str]:
        """Give whom it let in, and whose it is."""
        return self.transfers.guest, self.transfers.owner

    def fits(self, door: Door) -> bool:
        """Tell whether an event that tells of a door may be about it."""
        ours = door_of(self.admission)
        return _agree(door[0], ours[0]) and _agree(door[1], ours[1])

    def had_begun(self, at: datetime) -> bool:
        """Tell whether it had begun at an instant."""
        return self.admission.admitted_at <= at

    def is_open(self, at: datetime) -> bool:
        """Tell whether its shopper could check out at an instant."""
        until = min(self.extensions.end, self.closed_at or self.extensions.end)
        return self.admission.admitted_at <= at <= until

    def take(self, known: KnownFact) -> None:
        """Note what a fact says of it."""
        fact = known.fact
        if isinstance(fact, ExtendRequested):
            self.extensions.ask(fact, self.closed_at)
        if isinstance(fact, TransferRequested):
            over_at = min(self.extensions.end, self.ended_at or self.extensions.end)
            self.transfers.ask(fact, over_at, known.answer if self._has(known) else None)
        if isinstance(fact, AdmissionEnded):
            self.ended_at = min(self.ended_at or fact.ended_at, fact.ended_at)
        if isinstance(fact, (AdmissionEnded, CheckoutCompleted)):
            self.closed_at = min(self.closed_at or event_time(fact), event_time(fact))
        if isinstance(fact, CheckoutCompleted) and fact.order_id is not None:
            self.orders.add(fact.order_id)

    def _has(self, known: KnownFact) -> bool:
        """Tell whether a fact is with it: what another admission answered does not count here."""
        return any(one is known for one in self.admission.facts)


class Orders:
    """What all events of an order say together of where it belongs.

    An order is of one shopper: what another one tells of it counts where a transfer made them one.
    """

    def __init__(self, facts: Iterable[KnownFact], named: Mapping[int, Admission | None]) -> None:
        self._named: defaultdict[str, list[Admission]] = defaultdict(list)
        self._doors: dict[tuple[str, str], Door] = {}  # by shopper and order
        for known in facts:
            fact = known.fact
            if isinstance(fact, CheckoutCompleted) and fact.order_id is not None:
                whose = fact.consumer_id, fact.order_id
                distribution_id, experience_id = self._doors.get(whose, ("", ""))
                self._doors[whose] = (
                    distribution_id or fact.distribution_id,
                    experience_id or fact.experience_id,
                )
                if (admission := named.get(id(known))) is not None:
                    self._named[fact.order_id].append(admission)

    def admission(self, fact: Fact, theirs: Sequence[Candidate]) -> Admission | None:
        """Give the one of a shopper's admissions that an event's order is of already.

        That is the one which another event of the order names, else the one which has it.
        """
        order_id = getattr(fact, "order_id", None) or ""
        named = self._named.get(order_id, ())
        of_theirs = [one for one in named if any(each.admission is one for each in theirs)]
        having = [one.admission for one in theirs if order_id in one.orders]
        return next(iter(of_theirs + having), None)

    def door(self, fact: Fact) -> Door:
        """Give the door that an event, or another of its order, tells of."""
        own = fact.distribution_id, fact.experience_id
        return self._doors.get((fact.consumer_id, getattr(fact, "order_id", None) or ""), own)


def next_by_the_same_door(admissions: Iterable[Admission]) -> dict[int, datetime | None]:
    """Give of each admission the instant before its shopper came in by the same door again.

    Who is admitted to a distribution a second time is through with the first: tokens are good for
    one checkout.
    """
    by_door: dict[tuple[str, Door], list[Admission]] = {}
    for one in admissions:
        by_door.setdefault((one.admitted_consumer_id, door_of(one)), []).append(one)
    found: dict[int, datetime | None] = {}
    for visits in by_door.values():
        later: datetime | None = None  # the next instant at which somebody came in
        newest_first = sorted(visits, key=lambda one: one.admitted_at, reverse=True)
        for at, together in groupby(newest_first, key=lambda one: one.admitted_at):
            closed_at = later - timedelta(microseconds=1) if later is not None else None
            found |= {id(one): closed_at for one in together}
            later = at
    return found


def door_of(admission: Admission) -> Door:
    """Give where an admission let its shopper in."""
    return admission.distribution_id, admission.experience_id


def _agree(one: str, other: str) -> bool:
    """Tell whether two ids may be the same: Fanfare leaves some out of some events."""
    return one == other or not one or not other
