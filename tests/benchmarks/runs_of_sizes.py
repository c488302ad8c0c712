"""Runs by size: of a batch, of the backlog, of the tables; and latencies by rate."""

from typing import Final

from service.embedded import EmbeddedServers
from tests.benchmarks import growth as growing
from tests.benchmarks.backlog import drain, measure
from tests.benchmarks.paced import Latencies, latencies_of, paced
from tests.benchmarks.progress import tell
from tests.benchmarks.seen import Point, Scale, Seen
from tests.benchmarks.worlds import world_of

PRODUCTS: Final = 1000
IDLE, BUSY = 50, 2_000  # events a second, of which the table tells


async def batches(servers: EmbeddedServers, scale: Scale) -> Seen:
    """Drain the same backlog in batches of several sizes."""
    rates: list[Point] = []
    for size in scale.batch_sizes:
        tell(f"batches of {size:,}")
        async with world_of(servers, products=PRODUCTS, BATCH_SIZE_MAX=str(size)) as world:
            rates.append((size, await drain(world, scale.backlog, products=PRODUCTS)))
    return Seen({}, {"batches": {"events/s": rates}})


async def backlogs(servers: EmbeddedServers, scale: Scale) -> Seen:
    """Drain backlogs of several sizes."""
    rates: list[Point] = []
    for events in scale.backlogs:
        tell(f"a backlog of {events:,}")
        rates.append((events, await measure(servers, events, products=PRODUCTS)))
    return Seen({}, {"backlogs": {"events/s": rates}})


async def latency(servers: EmbeddedServers, scale: Scale) -> Seen:
    """Send at several rates, each to the same worker."""
    found: dict[int, Latencies] = {}
    async with world_of(servers, products=PRODUCTS) as world:
        worker = await world.start_worker()
        await worker.log("lanes.taken")
        for rate in sorted({IDLE, *scale.rates, BUSY}):
            tell(f"{rate:,} events/s")
            found[rate] = latencies_of(await paced(world, rate, scale.seconds, products=PRODUCTS))
    return Seen(
        {"idle": found[IDLE].p99, "busy": found[BUSY].p99},
        {"latency": _by_part(found)},
    )


async def growth(servers: EmbeddedServers, scale: Scale) -> Seen:
    """Fill tables more and more."""
    found = {rows: await growing.measure(servers, rows) for rows in scale.rows}
    rates: list[Point] = [(rows, one.events_per_second) for rows, one in found.items()]
    latencies = _by_part({rows: one.latencies for rows, one in found.items()})
    return Seen({}, {"growth": {"events/s": rates}, "growth latency": latencies})


def _by_part(found: dict[int, Latencies]) -> dict[str, list[Point]]:
    """Give a curve of each percentile."""
    return {
        part: [(size, getattr(latencies, part)) for size, latencies in found.items()]
        for part in ("p50", "p90", "p99")
    }
