"""What one run measures, by groups: what is compared is measured one after the other."""

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Final

from service.embedded import EmbeddedServers
from tests.benchmarks import backlog, copying, failing_over, footprint
from tests.benchmarks.peers.measure import measure as measure_peer
from tests.benchmarks.peers.serve import PEERS
from tests.benchmarks.progress import tell
from tests.benchmarks.runs_of_holds import holds, storm
from tests.benchmarks.runs_of_sizes import backlogs, batches, growth, latency
from tests.benchmarks.runs_of_time import profile
from tests.benchmarks.seen import Scale, Seen
from tests.benchmarks.worlds import world_of

WARM_AFTER: Final = 30_000  # events: until then a worker grows by what it needs for a batch

_NUMBERS: Final = count()


async def throughput(servers: EmbeddedServers, scale: Scale) -> Seen:
    """Drain backlogs of several kinds, and copy the rows of the first."""
    many, events = 1000, scale.backlog
    tell(f"{events:,} admissions to a thousand products")
    async with world_of(servers, products=many) as world:
        thousand = await backlog.drain(world, events, products=many)
        rows = await copying.rows_of(world.database_url)
    tell("COPY of the rows")
    copied = await copying.copy(servers.database_url, f"copying_{next(_NUMBERS)}", rows)
    tell("as many to one hot product")
    hot = await backlog.measure(servers, events)
    tell("everything that a sale sends")
    mixed = await backlog.measure(servers, events, kind="mixed", products=many)
    return Seen(
        {
            "events/s, a thousand products": thousand,
            "events/s, one hot product": hot,
            "events/s, everything that a sale sends": mixed,
            "events/s, COPY of the rows": copied,
            "copy": thousand / copied,
            "hot": hot / thousand,
            "mixed": mixed / thousand,
        }
    )


async def peers(servers: EmbeddedServers, scale: Scale) -> Seen:
    """Let the worker, and each of those that people would write, drain a backlog.

    A thousand products are the best case of those: their transactions seldom wait for each other.
    """
    many = 1000
    tell("the worker")
    ours = await backlog.measure(servers, scale.backlog, products=many)
    rates = {}
    for name in PEERS:
        tell(name)
        run = await measure_peer(servers, name, scale.peers, products=many)
        if run.problems:
            raise RuntimeError(f"a run of {name} does not count: {'; '.join(run.problems)}")
        rates[name] = run.rate
    return Seen(
        {
            **{f"events/s, {name}": rate for name, rate in rates.items()},
            "events/s, the worker beside them": ours,
            "peers": ours / max(rates.values()),
        }
    )


async def workers(servers: EmbeddedServers, scale: Scale) -> Seen:
    """Let one worker, and then two, apply a backlog: of a thousand products, and of one."""
    one, two = await _one_and_two(servers, scale, products=1000)
    hot_one, hot_two = await _one_and_two(servers, scale, products=1)
    return Seen(
        {
            "events/s, one worker": one,
            "events/s, two workers": two,
            "workers": two / one,
            "events/s, one hot product, one worker": hot_one,
            "events/s, one hot product, two workers": hot_two,
            "two workers over one, one hot product": hot_two / hot_one,
        }
    )


async def _one_and_two(
    servers: EmbeddedServers, scale: Scale, *, products: int
) -> tuple[float, float]:
    rates = []
    for number in (1, 2):
        tell(f"{number} worker{'s' * (number > 1)}, {products:,} product{'s' * (products > 1)}")
        rate = backlog.measure_workers(servers, scale.backlog, workers=number, products=products)
        rates.append(await rate)
    return rates[0], rates[1]


async def failover(servers: EmbeddedServers, scale: Scale) -> Seen:
    """Kill a worker."""
    tell("two workers, of which one is killed")
    return Seen({"failover": await failing_over.measure(servers)})


async def memory(servers: EmbeddedServers, scale: Scale) -> Seen:
    """Look at a worker that works."""
    seen = await footprint.measure(servers, scale.footprint)
    late = seen[-1][1]
    warm_after = max(WARM_AFTER, scale.footprint / 10)
    early = next((mb for applied, mb in seen if float(applied) >= warm_after), late)
    return Seen(
        {
            "MB when it was warm": early,
            "MB in the end": late,
            "memory": max(mb for _, mb in seen),
            "flat": late / early,
        },
        {"memory": {"resident": seen}},
    )


Group = Callable[[EmbeddedServers, Scale], Awaitable[Seen]]

GROUPS: Final[dict[str, Group]] = {
    "throughput": throughput,
    "peers": peers,
    "workers": workers,
    "latency": latency,
    "holds": holds,
    "storm": storm,
    "failover": failover,
    "memory": memory,
    "batches": batches,
    "backlogs": backlogs,
    "growth": growth,
    "profile": profile,
}
