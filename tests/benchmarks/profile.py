"""Where the time of a batch goes: a worker in this process, on real servers, over a backlog.

    python -m tests.benchmarks.profile --events 20000 --kind mixed
    python -m tests.benchmarks.profile --calls 40      # and the functions that take the most

"worker" and "postgres" are microseconds of processor time per event, which other work on the
machine does not disturb; "wall" is what a clock on the wall shows, waiting included. "idle" is what
of that the worker did nothing in: it waited for Postgres, for Kafka, or for the processor.
"""

import argparse
import asyncio
import cProfile
import itertools
import os
import pstats
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, get_args

import psutil
from pydantic import SecretStr

from service.embedded import EmbeddedServers, start_kafka, start_postgres
from service.garbage import look_for_garbage_rarely
from service.logs import set_up_logs
from service.settings import Settings
from service.stopping import Stop
from service.worker import Worker
from tests.benchmarks.meter import PHASES, Meter
from tests.benchmarks.statements import Statement, statements_of
from tests.benchmarks.traffic import Kind, records
from tests.e2e.world import World
from tests.integration.conftest import create_database, drop_database

LANES = 4
SECONDS_MAX = 300

_NUMBERS = itertools.count()


class Row(NamedTuple):
    """Microseconds per event of one phase."""

    worker: float
    postgres: float
    wall: float


@dataclass(frozen=True)
class Profile:
    """What one backlog took."""

    events: int
    batches: int
    phases: dict[str, Row]
    kafka: float  # microseconds of its processor time per event
    statements: list[Statement]

    @property
    def idle(self) -> float:
        """Give the microseconds per event in which the event loop had nothing to do."""
        busy = sum(row.worker for name, row in self.phases.items() if name != "threads")
        return max(0.0, sum(row.wall for row in self.phases.values()) - busy)


async def profile(
    servers: EmbeddedServers,
    kind: Kind,
    count: int,
    products: int = 1,
    calls: cProfile.Profile | None = None,
) -> Profile:
    """Apply and publish a backlog of `count` events."""
    name = f"profile_{os.getpid()}_{next(_NUMBERS)}"
    url = await create_database(servers.database_url, name)
    with tempfile.TemporaryDirectory() as directory:
        world = World(name, url, servers.bootstrap_servers, Path(directory))
        stock = {f"lamp-{n}": 2 * count for n in range(products)}
        await world.prepare(partitions=LANES, stock=stock)
        await world.send(records(kind, count, products))
        found = await _run(servers, _settings(world), count, calls)
    await drop_database(servers.database_url, name)
    return found


def _settings(world: World) -> Settings:
    ours = {"database_url": SecretStr(world.database_url), "consumer_group": world.name}
    return world.own_settings().model_copy(update={**ours, "http_port": 0})


async def _run(
    servers: EmbeddedServers, settings: Settings, count: int, calls: cProfile.Profile | None
) -> Profile:
    assert servers.postgres.pid
    assert servers.kafka.pid
    kafka, stop = psutil.Process(servers.kafka.pid), Stop(10)
    url = settings.database_url.get_secret_value()
    meter = Meter(count, servers.postgres.pid)
    async with statements_of(url, count) as statements:
        kafka_before = sum(kafka.cpu_times()[:2])
        with meter.running(), calls or nullcontext():
            working = asyncio.create_task(Worker(settings).run(stop, lambda port: None))
            try:
                async with asyncio.timeout(SECONDS_MAX):
                    await meter.done.wait()
            finally:
                stop.set()
            kafka_used = sum(kafka.cpu_times()[:2]) - kafka_before
            await working
    accounts = (meter.cpu, meter.postgres, meter.wall)
    phases = {
        name: Row(*(account[name] / count * 1e6 for account in accounts))
        for name in (*PHASES, *sorted(meter.cpu.keys() - set(PHASES)))
    }
    return Profile(count, meter.steps["polled"], phases, kafka_used / count * 1e6, statements)


def show(found: Profile) -> None:
    """Print a profile as a table."""
    print(f"\n{found.events:,} events in {found.batches} batches; microseconds per event")
    print(f"{'':14}{'worker':>9}{'postgres':>9}{'wall':>9}")
    for name, row in found.phases.items():
        print(f"{name:14}{row.worker:9.1f}{row.postgres:9.1f}{row.wall:9.1f}")
    worker, postgres, wall = map(sum, zip(*found.phases.values(), strict=True))
    print(f"{'sum':14}{worker:9.1f}{postgres:9.1f}{wall:9.1f}    kafka {found.kafka:.1f}")
    print(f"{'idle':14}{found.idle:9.1f}")
    print("\nstatements in Postgres, by time in them")
    for microseconds, calls, text in found.statements:
        print(f"{microseconds:9.1f} {calls:6}  {' '.join(text.split())[:90]}")


async def _main(arguments: argparse.Namespace) -> None:
    calls = cProfile.Profile() if arguments.calls else None
    with tempfile.TemporaryDirectory(prefix="profile-", ignore_cleanup_errors=True) as directory:
        preload = {"shared_preload_libraries": "pg_stat_statements"}
        postgres = await start_postgres(Path(directory) / "postgres", settings=preload)
        kafka = await start_kafka(Path(directory) / "kafka")
        servers = EmbeddedServers(postgres, kafka)
        try:
            kind, count, products = arguments.kind, arguments.events, arguments.products
            show(await profile(servers, kind, count, products, calls))
        finally:
            await postgres.stop()
            await kafka.stop()
    if calls is not None:
        pstats.Stats(calls).sort_stats("tottime").print_stats(arguments.calls)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--kind", choices=get_args(Kind), default="admissions")
    parser.add_argument("--products", type=int, default=1)
    parser.add_argument("--calls", type=int, default=0, help="functions to show")
    arguments = parser.parse_args()
    set_up_logs("console", "warning")
    look_for_garbage_rarely()  # as the command does
    asyncio.run(_main(arguments))


if __name__ == "__main__":
    main()
