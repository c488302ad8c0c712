"""How much waits in each partition, and for how long: pure, by readings of where things stand."""

from collections.abc import Hashable, Mapping
from typing import Generic, NamedTuple, TypeVar

Place = TypeVar("Place", bound=Hashable)


class Reading(NamedTuple):
    """Where a partition stands. Times are seconds since 1970, as records have them."""

    next_offset: int  # all before it is applied
    end: int  # read committed
    position: int | None = None  # of a consumer that has nothing in hand; None: nobody knows
    polled_from: float | None = None  # the time of the first record of the last poll that had some


class Lag(NamedTuple):
    """What waits in a partition: how many records, and for how long the oldest has, at most."""

    records: int
    seconds: float


class Lags(Generic[Place]):
    """Tells lags by what was read before; the more often it reads, the nearer it gets.

    Whatever waits came after the instant at which nothing waited, and after the first record of the
    last poll, for what was before that is applied. The later of the two is when the oldest that
    waits can have come.
    """

    def __init__(self) -> None:
        self._first_at: dict[Place, float] = {}  # when it was read first, before any poll
        self._none_at: dict[Place, float] = {}  # when nothing was seen to wait
        self._passed: dict[Place, tuple[int, int]] = {}  # a next offset, and what it is as good as

    def see(self, now: float, readings: Mapping[Place, Reading]) -> dict[Place, Lag]:
        """Note how things stand, and give the lags. What is not read any more is forgotten."""
        for known in (self._first_at, self._none_at, self._passed):
            for gone in known.keys() - readings.keys():
                del known[gone]
        return {place: self._lag(now, place, reading) for place, reading in readings.items()}

    def _lag(self, now: float, place: Place, reading: Reading) -> Lag:
        records = reading.end - self._next_offset(place, reading)
        if records <= 0:
            self._none_at[place] = now
            return Lag(0, 0.0)
        since = max(self._none_at.get(place, 0.0), reading.polled_from or 0.0)
        if not since:  # nothing was read yet: it has waited for as long as we look, at least
            since = self._first_at.setdefault(place, now)
        return Lag(records, max(0.0, now - since))

    def _next_offset(self, place: Place, reading: Reading) -> int:
        """Give where what is not applied begins: markers of transactions are no records."""
        if reading.position is not None and reading.position > reading.next_offset:
            self._passed[place] = (reading.next_offset, reading.position)
        at, passed = self._passed.get(place, (None, 0))
        return passed if at == reading.next_offset else reading.next_offset
