"""From a backlog of admissions to outcomes that others can read: events per second.

    python -m tests.benchmarks.backlog --admissions 50000 --runs 3

Real Kafka, real Postgres and one worker, all on this machine, with durable settings: fsync and
synchronous_commit on, acks=all, one transaction and one publish a batch. Time runs from the
moment the worker owns its lanes to the last outcome read (read committed).
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from service.embedded import EmbeddedServers, embedded_servers
from tests.e2e.events import Sent, admitted
from tests.e2e.world import World
from tests.integration.conftest import create_database, drop_database

LANES = 4
RESULTS = Path(__file__).parent / "results"


async def measure(servers: EmbeddedServers, admissions: int, products: int, run: int) -> float:
    """Give the events per second of one run, in a world of its own that has to verify."""
    name = f"backlog_{os.getpid()}_{products}_{run}"
    url = await create_database(servers.database_url, name)
    with tempfile.TemporaryDirectory() as directory:
        world = World(name, url, servers.bootstrap_servers, Path(directory))
        try:
            stock = {f"lamp-{n}": admissions for n in range(products)}
            await world.prepare(partitions=LANES, stock=stock)
            await world.send(_backlog(admissions, products))
            await world.start_worker()
            seconds = await _seconds_to_read(world, admissions)
            await world.workers[0].stop()
            await world.must("verify")
        finally:
            await world.close()
    await drop_database(servers.database_url, name)
    return admissions / seconds


def _backlog(admissions: int, products: int) -> Iterator[Sent]:
    return (admitted(f"shopper-{n}", f"lamp-{n % products}") for n in range(admissions))


async def _seconds_to_read(world: World, admissions: int) -> float:
    """Read all outcomes; the clock starts when the worker owns its lanes."""
    reader = AIOKafkaConsumer(
        bootstrap_servers=world.bootstrap_servers, isolation_level="read_committed"
    )
    await reader.start()
    topic = world.topic("reservation-outcomes")
    partitions = [TopicPartition(topic, lane) for lane in range(LANES)]
    reader.assign(partitions)
    await reader.seek_to_beginning(*partitions)
    taken = await world.workers[0].log("lanes.taken")
    began = datetime.fromisoformat(taken["timestamp"]).timestamp()
    read = 0
    async with asyncio.timeout(300):
        while read < admissions:
            read += sum(map(len, (await reader.getmany(timeout_ms=500)).values()))
    seconds = time.time() - began
    await reader.stop()
    return seconds


async def benchmark(admissions: int, runs: int) -> dict[str, object]:
    """Measure one hot product and a thousand, `runs` times each, on the same servers."""
    results: dict[str, object] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "admissions": admissions,
    }
    async with embedded_servers() as servers:
        for products in (1, 1000):
            rates = []
            for run in range(runs):
                rates.append(await measure(servers, admissions, products, run))
                print(f"{products:>5} products, run {run + 1}: {rates[-1]:>8,.0f} events/s")
            results[f"events_per_second_{products}_products"] = {
                "min": round(min(rates)),
                "median": round(statistics.median(rates)),
                "max": round(max(rates)),
            }
    return results


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--admissions", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    results = asyncio.run(benchmark(arguments.admissions, arguments.runs))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "backlog.json").write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
