"""Many holds fall due at one instant, while others are admitted: how long until all is said.

The holds are made while the worker is there, some seconds before they end. Time runs from the
instant at which they are due until the last of their ends was read, read committed.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from tests.benchmarks.holds import hold
from tests.benchmarks.paced import SECONDS_MAX, Sample, latencies_of, paced_samples
from tests.benchmarks.seen import Point
from tests.benchmarks.worlds import LANES, outcomes_of
from tests.e2e.world import World

RATE: Final = 500  # admissions a second meanwhile
CALM_SECONDS: Final = 3.0  # of them before it, of which the first are not looked at
_MADE_A_SECOND: Final = 5_000  # holds that even a slow machine makes

_EXPIRED: Final = ("ce_type", b"fanfare.reservation.expired")


class Storm(NamedTuple):
    """What it was like; times are seconds since the holds were due."""

    seconds: float
    ends: list[Point]  # how many ends were read, over time
    samples: list[Sample]  # of what was sent meanwhile, and shortly before

    @property
    def p99_ms(self) -> float:
        """Give it for what was sent from the first to the last instant of the storm."""
        inside = [one.ms for one in self.samples if 0 <= one.sent_at <= self.seconds]
        return latencies_of(inside).p99


async def strike(world: World, due: int, *, first: int, products: int, seconds: float) -> Storm:
    """Let so many holds fall due in a world with a running worker, and give what it was like.

    Admissions go on for so many seconds, and until it is over. `first` is the number of the first
    of these holds: those before it are there already.
    """
    due_at = time.time() + CALM_SECONDS + 1 + due / _MADE_A_SECOND
    ends_at = datetime.fromtimestamp(due_at, UTC)
    await hold(
        world.database_url, due, products=products, lanes=LANES, first=first, ends_at=ends_at
    )
    calm = due_at - time.time() - CALM_SECONDS
    if calm < 0:
        raise RuntimeError(f"the holds took {-calm:.0f} s too long to make: make fewer at once")
    reading = asyncio.create_task(_read_ends(world, due, due_at))
    try:
        await asyncio.sleep(calm)
        seconds += CALM_SECONDS
        samples = await paced_samples(world, RATE, seconds, products=products, until=reading)
        ends = await reading
    finally:
        reading.cancel()
    samples = [Sample(one.sent_at - due_at, one.ms) for one in samples]
    return Storm(float(ends[-1][0]), ends, samples)


async def _read_ends(world: World, due: int, due_at: float) -> list[Point]:
    ends: list[Point] = [(0.0, 0)]
    read = 0
    wait = due_at - time.time() + SECONDS_MAX
    async with asyncio.timeout(wait), outcomes_of(world, new_only=True) as reader:
        while read < due:
            found = await reader.getmany(timeout_ms=200)
            news = sum(_EXPIRED in record.headers for many in found.values() for record in many)
            if news:
                read += news
                ends.append((time.time() - due_at, read))
    return ends


def over_time(samples: Sequence[Sample], width: float = 0.5) -> dict[str, list[Point]]:
    """Give percentiles of what was sent within each half second, by its middle."""
    slots: dict[int, list[float]] = {}
    for one in samples:
        slots.setdefault(int(one.sent_at // width), []).append(one.ms)
    found = {(slot + 0.5) * width: latencies_of(slots[slot]) for slot in sorted(slots)}
    return {
        part: [(at, getattr(latencies, part)) for at, latencies in found.items()]
        for part in ("p50", "p99")
    }
