"""Facts find their admissions: one that is new, those that wait, and those that were misplaced."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from reservations.book import Book
from reservations.flood import has_room, is_flood, refuse_to_wait
from reservations.forgotten import is_forgotten, refuse_forgotten
from reservations.matching import known_admission
from reservations.placing import AMBIGUOUS, Place
from reservations.say import say_of_fact
from reservations.settle import settle
from reservations.shopper import Shopper, shopper_keys
from reservations.waiting import early_fact
from schemas.events import (
    Arrival,
    CartUpdated,
    Fact,
    ReleaseRequested,
    event_time,
)
from schemas.facts import KnownFact, fact_order
from schemas.reservation import Admission, AdmissionKey, EarlyFact
from schemas.vocabulary import Result


def apply_fact(book: Book, arrival: Arrival, fact: Fact) -> Result:
    """Put a fact where it belongs, and let rows follow. What is known already changes nothing."""
    admission = known_admission(book, fact)
    shopper = Shopper(book, *shopper_keys(fact, admission))
    if shopper.knows(fact):
        return "duplicate"
    if admission is None and is_forgotten(book, fact):
        return refuse_forgotten(book, arrival, fact)
    known = KnownFact(fact, arrival.cause, arrival.trace)
    found = reconsider(book, arrival, shopper, new=known)
    if isinstance(found, Admission):
        return _result(found, known)
    if is_flood(shopper):
        return refuse_to_wait(book, arrival, shopper, known)
    return "ambiguous" if found == AMBIGUOUS else "early"


def reconsider(
    book: Book,
    arrival: Arrival,
    shopper: Shopper,
    *,
    new: KnownFact | None = None,
    changed: Iterable[Admission] = (),
) -> Place | None:
    """Put all facts of a shopper where they belong now, and let the rows follow.

    `changed` are admissions to settle in any case. Returns the place of the fact that is `new`.
    """
    places = shopper.places() if new is None else shopper.places(new)
    round_ = _Round(book, arrival, places, {id(one): one for one in changed})
    round_.take_away(shopper)
    for early in shopper.waiting():
        if early.known.moved:
            round_.bring(early)
    if new is not None:
        round_.put(new)
    if round_.settle_all() or any(map(round_.apply_waiting, shopper.waiting())):
        reconsider(book, arrival, shopper)  # all were placed as if a transfer were granted
    return places[id(new)] if new is not None else None


@dataclass(slots=True)
class _Round:
    """Facts on their way to where they belong, and the admissions that this changes."""

    book: Book
    arrival: Arrival
    places: dict[int, Place]
    to_settle: dict[int, Admission]
    losers: set[AdmissionKey] = field(default_factory=set)

    def take_away(self, shopper: Shopper) -> None:
        """Take facts from admissions to which they turn out not to belong."""
        for admission in list(shopper.admissions.values()):
            for known in [one for one in admission.facts if self.places[id(one)] is not admission]:
                admission.facts = [one for one in admission.facts if one is not known]
                known.moved, known.answer = True, None
                self.losers.add(admission.key)
                self.to_settle[id(admission)] = admission
                self.put(known)

    def put(self, known: KnownFact, cause: Arrival | None = None) -> None:
        """Give a fact to its admission, if there is room for it, or let it wait for one."""
        place = self.places[id(known)]
        if not isinstance(place, Admission):
            self.book.add_fact(early_fact(self.book, self.arrival, known))
        elif has_room(self.book, cause or self.arrival, place, known):
            place.facts.append(known)
            self.to_settle[id(place)] = place

    def bring(self, early: EarlyFact, cause: Arrival | None = None) -> None:
        """Give a fact that waits to its admission, if that is there."""
        if isinstance(self.places[id(early.known)], Admission):
            self.book.end_fact(early)
            early.known.answer = None
            self.put(early.known, cause)

    def settle_all(self) -> bool:
        """Settle what has changed: first who loses a fact and gives units back, then by age.

        Returns whether a transfer was refused.
        """
        in_turn = sorted(
            self.to_settle.values(),
            key=lambda one: (one.key not in self.losers, one.admitted_at, one.key),
        )
        refused = [settle(self.book, self.arrival, admission) for admission in in_turn]
        return any(refused)

    def apply_waiting(self, early: EarlyFact) -> bool:
        """Apply a fact that has waited as the cause of what it does; or say why it waits on.

        Returns whether it is a transfer that was refused.
        """
        place = self.places[id(early.known)]
        if isinstance(place, Admission):
            cause = _arrival_of(early, self.arrival.lane)
            self.to_settle.clear()
            self.bring(early, cause)
            return bool(self.to_settle) and settle(self.book, cause, place)
        if place == AMBIGUOUS and early.known.answer != AMBIGUOUS:
            _say_ambiguous(self.book, self.arrival, early)
        return False


def _say_ambiguous(book: Book, arrival: Arrival, early: EarlyFact) -> None:
    early.known.answer = AMBIGUOUS
    book.touch_fact(early)
    at = event_time(early.known.fact)
    say_of_fact(book, "ambiguous", early.known, at, arrival.lane, "several_admissions")


def _arrival_of(early: EarlyFact, lane: int) -> Arrival:
    return Arrival(early.known.fact, lane, early.known.cause, early.known.trace)


def _result(admission: Admission, known: KnownFact) -> Result:
    if known.answer not in (None, "extended", "transferred"):
        return "refused"
    if isinstance(known.fact, CartUpdated):
        carts = [
            one for one in admission.facts if isinstance(one.fact, CartUpdated | ReleaseRequested)
        ]
        if max(carts, key=fact_order) is not known:
            return "stale"
    return "applied"
