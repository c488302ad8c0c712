"""What one run measures, by groups: what is compared is measured one after the other."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import Final

from service.embedded import EmbeddedServers
from tests.benchmarks import backlog, copying, failing_over, footprint
from tests.benchmarks.paced import latencies_of, paced
from tests.benchmarks.peers.measure import measure as measure_peer
from tests.benchmarks.peers.serve import PEERS
from tests.benchmarks.worlds import world_of

Seen = dict[str, float]  # by name; those that a line of the table promises have its name

_NUMBERS: Final = count()


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured."""

    backlog: int  # events
    peers: int  # events, of which a peer does some hundreds a second
    seconds: float  # of each rate
    footprint: int  # events


SHORT: Final = Scale(20_000, 2_000, 10, 50_000)
FULL: Final = Scale(100_000, 10_000, 60, 1_000_000)


async def throughput(servers: EmbeddedServers, scale: Scale) -> Seen:
    """Drain backlogs of several kinds, and copy the rows of the first."""
    many, events = 1000, scale.backlog
    async with world_of(servers, products=many) as world:
        thousand = await backlog.drain(world, events, products=many)
        rows = await copying.rows_of(world.database_url)
    copied = await copying.copy(servers.database_url, f"copying_{next(_NUMBERS)}", rows)
    hot = await backlog.measure(servers, events)
    mixed = await backlog.measure(servers, events, kind="mixed", products=many)
    return {
        "events/s, a thousand products": thousand,
        "events/s, one hot product": hot,
        "events/s, everything that a sale sends": mixed,
        "events/s, COPY of the rows": copied,
        "copy": thousand / copied,
        "hot": hot / thousand,
        "mixed": mixed / thousand,
    }


async def peers(servers: EmbeddedServers, scale: Scale) -> Seen:
    """Let the worker, and each of those that people would write, drain a backlog.

    A thousand products are the best case of those: their transactions seldom wait for each other.
    """
    many = 1000
    ours = await backlog.measure(servers, scale.backlog, products=many)
    rates = {}
    for name in PEERS:
        run = await measure_peer(servers, name, scale.peers, products=many)
        if run.problems:
            raise RuntimeError(f"a run of {name} does not count: {'; '.join(run.problems)}")
        rates[name] = run.rate
    return {
        **{f"events/s, {name}": rate for name, rate in rates.items()},
        "events/s, the worker beside them": ours,
        "peers": ours / max(rates.values()),
    }


async def workers(servers: EmbeddedServers, scale: Scale) -> Seen:
    """Let one worker, and then two, apply events while they come."""
    one = await backlog.measure_workers(servers, scale.backlog, workers=1)
    two = await backlog.measure_workers(servers, scale.backlog, workers=2)
    return {"events/s, one worker": one, "events/s, two workers": two, "workers": two / one}


async def latency(servers: EmbeddedServers, scale: Scale) -> Seen:
    """Send at several rates, each to the same worker."""
    seen: Seen = {}
    async with world_of(servers, products=1000) as world:
        worker = await world.start_worker()
        await worker.log("lanes.taken")
        for name, rate in (("idle", 50), ("", 500), ("busy", 2000)):
            found = latencies_of(await paced(world, rate, scale.seconds, products=1000))
            for part, milliseconds in found._asdict().items():
                seen[f"ms at {rate:,}/s, {part}"] = milliseconds
            if name:
                seen[name] = found.p99
    return seen


async def failover(servers: EmbeddedServers, scale: Scale) -> Seen:
    """Kill a worker."""
    return {"failover": await failing_over.measure(servers)}


async def memory(servers: EmbeddedServers, scale: Scale) -> Seen:
    """Look at a worker that works."""
    found = await footprint.measure(servers, scale.footprint)
    return {
        "MB after a tenth": found.early,
        "MB in the end": found.late,
        "memory": found.most,
    }


Group = Callable[[EmbeddedServers, Scale], Awaitable[Seen]]

GROUPS: Final[dict[str, Group]] = {
    "throughput": throughput,
    "peers": peers,
    "workers": workers,
    "latency": latency,
    "failover": failover,
    "memory": memory,
}
