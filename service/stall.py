"""When a consumer has stalled: pure, so that a test can tell its story in seconds that it makes up.

What goes wrong in and around aiokafka, and who notices:

| what goes wrong | noticed by |
|---|---|
| fetcher stuck; a fetch connection that is half open; a partition without a position | this rule |
| a partition that was paused and is never resumed | this rule |
| `getmany` that never returns (it heeds no timeout while a reassignment is under way) | this rule |
| left the group for good; coordinator lost for good; a join that never ends | this rule |
| dead heartbeat task: Kafka gives the lanes away, this one goes on reading | the epochs: fenced |
| SIGSTOP, a pause longer than the session | the epochs: fenced |
| errors of the group, fatal errors of the client | `getmany` raises; the consumer is replaced |
| a listener that raises, which aiokafka hides | it awaits nothing that raises; else this rule |
| `stop()` that hangs | a time limit of its own; what does not end is left behind |
| `start()`, a take-over or a transaction that hangs | their time limits; `/livez` after 300 s |
| publishing that hangs | `PUBLISH_TIMEOUT`; a new producer takes the lane over |
| publishing task dead | the loop meets its failure when it hands over or asks for room |
| Faust ends by itself, or its timer fires no more | `service/ticker.py`; a new app is started |
| event loop blocked for 300 s | a thread ends the process and prints where (`service/blocked.py`) |
| Kafka away; Postgres away; Kafka too slow to publish | nobody: it is waited out |
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

# A rebalance may take its whole time limit, 20 s by default, and be followed by another.
UNASSIGNED_SECONDS_MAX: Final = 60.0


@dataclass(frozen=True, slots=True)
class Place:
    """A partition: where its reader stands, where it ends, and when it last gave a record."""

    position: int
    end: int
    polled_at: float | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen of a consumer at the instant `at`, in seconds of a clock that never jumps.

    `is_reading`: it was asked for records since the last sight, or is being asked, and did not
    give as many as were asked for: then what stands still waits its turn. `places` is None where
    Kafka did not say how far its partitions go.
    """

    at: float
    is_assigned: bool
    is_reading: bool
    places: Mapping[str, Place] | None


@dataclass(frozen=True, slots=True)
class Rebuild:
    """Leave the group with this consumer, and join it with a new one."""

    why: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """A new consumer has not helped: end the process."""

    why: str


@dataclass(slots=True)
class StallRule:
    """Decides by what was seen before; it outlives the consumers that it has replaced."""

    stall_seconds_max: float
    unassigned_seconds_max: float = UNASSIGNED_SECONDS_MAX
    _since: dict[str, float] = field(default_factory=dict)  # stands still, though there is more
    _last: dict[str, Place] = field(default_factory=dict)
    _blamed: set[str] = field(default_factory=set)  # the last consumer was replaced for these
    _unassigned_since: float | None = None

    def see(self, sight: Sight) -> Rebuild | GiveUp | None:
        """Decide by one more sight; None: go on."""
        if sight.places is None:  # Kafka is away: nobody can tell who stands still
            self.forget_times()
            return None
        if not sight.is_assigned:
            return self._see_unassigned(sight.at)
        self._unassigned_since = None
        if not sight.is_reading:  # it waits for Postgres, or for Kafka to publish
            self._since.clear()
            return None
        self._note(sight.at, sight.places)
        return self._judge(sight.at)

    def forget_times(self) -> None:
        """Begin to measure anew, as after a break or with a new consumer."""
        self._since.clear()
        self._unassigned_since = None

    def _see_unassigned(self, now: float) -> Rebuild | None:
        self._since.clear()
        if self._unassigned_since is None:
            self._unassigned_since = now
        seconds = now - self._unassigned_since
        if seconds < self.unassigned_seconds_max:
            return None
        self.forget_times()
        # Never a reason to end: a group that cannot gather is the brokers' matter.
        return Rebuild(f"no lanes were assigned for {seconds:.0f} s, though Kafka answers")

    def _note(self, now: float, places: Mapping[str, Place]) -> None:
        for name in self._since.keys() - places.keys():  # another's partitions by now
            del self._since[name]
        for name, place in places.items():
            if place.position >= place.end or self._has_moved(name, place):
                self._since.pop(name, None)
                self._blamed.discard(name)
            else:
                self._since.setdefault(name, now)
            self._last[name] = place

    def _has_moved(self, name: str, place: Place) -> bool:
        # A new consumer begins before what the last one had only skipped: back is no progress.
        last = self._last.get(name, place)
        return place.position > last.position or (
            place.polled_at is not None and place.polled_at != last.polled_at
        )

    def _judge(self, now: float) -> Rebuild | GiveUp | None:
        still = {n for n, since in self._since.items() if now - since >= self.stall_seconds_max}
        if not still:
            return None
        why = f"no record for {self.stall_seconds_max:g} s of {self._told(still)}"
        if still & self._blamed:
            return GiveUp(f"{why}: a new consumer has not helped")
        self._blamed |= still
        self.forget_times()
        return Rebuild(why)

    def _told(self, names: set[str]) -> str:
        first = min(names)
        place = self._last[first]
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        return f"{first}{more}, which stands at {place.position} and ends at {place.end}"
