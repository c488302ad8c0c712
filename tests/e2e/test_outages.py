"""A server goes away under a worker: it waits, it stops when told to, and nothing is lost."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from service.embedded import EmbeddedKafka, EmbeddedPostgres, start_kafka, start_postgres
from service.embedded.server import EmbeddedServer
from tests.e2e.events import admitted
from tests.e2e.world import WorkerProcess, World, until
from tests.integration.conftest import create_database, drop_database

SHOPPERS = 4000
PASSWORD = "s3cret-pw"
SETTINGS = {"BATCH_SIZE_MAX": "50", "PUBLISH_TIMEOUT": "2", "TICK_INTERVAL": "0.2",
            "SAMPLE_INTERVAL": "0.2"}  # fmt: skip
ADMITTED_APPLIED = 'reservations_events_total{{result="applied",topic="{}"}}'

REACHABLE = 'reservations_server_reachable{server="postgres"}'


@pytest.fixture
async def own_postgres(directory: Path) -> AsyncIterator[EmbeddedPostgres]:
    server = await start_postgres(directory / "postgres")
    yield server
    await server.stop()


@pytest.fixture
async def own_kafka(directory: Path) -> AsyncIterator[EmbeddedKafka]:
    server = await start_kafka(directory / "kafka")
    yield server
    await server.stop()


@pytest.fixture
async def without_postgres(
    own_postgres: EmbeddedPostgres, kafka: EmbeddedKafka, request: pytest.FixtureRequest
) -> AsyncIterator[World]:
    """A world whose Postgres a test may kill."""
    # A password, which Postgres does not ask for, to see that no log has it.
    url = own_postgres.dsn.replace("postgres@", f"postgres:{PASSWORD}@")
    world = World(request.node.name, url, kafka.bootstrap_servers, own_postgres.directory, SETTINGS)
    yield world
    await world.close()


@pytest.fixture
async def without_kafka(
    postgres: EmbeddedPostgres, own_kafka: EmbeddedKafka, request: pytest.FixtureRequest
) -> AsyncIterator[World]:
    """A world whose Kafka a test may kill."""
    name = request.node.name
    url = await create_database(postgres.dsn, name)
    world = World(name, url, own_kafka.bootstrap_servers, own_kafka.directory, SETTINGS)
    yield world
    await world.close()
    await drop_database(postgres.dsn, name)


async def test_postgres_goes_away_and_comes_back(
    without_postgres: World, own_postgres: EmbeddedPostgres
) -> None:
    world = without_postgres
    worker = await _busy_worker(world, own_postgres)

    memory = psutil.Process(worker.process.pid).memory_info().rss
    await worker.log("postgres.away", count=5)  # three seconds
    await worker.log("sample.failed")
    assert (await worker.metrics())[REACHABLE] == 0
    assert await worker.get("/livez") == (200, "ok\n")
    assert await worker.get("/readyz") == (503, "lanes are not taken over yet\n")
    await own_postgres.start()
    returned = time.monotonic()
    await worker.log("lanes.taken", count=2)
    assert time.monotonic() - returned < 10

    await _all_is_well(world, worker)

    async def is_sampled_again() -> bool:
        return (await worker.metrics())[REACHABLE] == 1

    await until(is_sampled_again)
    assert psutil.Process(worker.process.pid).memory_info().rss - memory < 50_000_000
    assert not {"group.left", "lanes.revoked"} & {line["event"] for line in worker.lines}
    assert await worker.stop() == 0


async def test_kafka_goes_away_and_comes_back(
    without_kafka: World, own_kafka: EmbeddedKafka
) -> None:
    world = without_kafka
    worker = await _busy_worker(world, own_kafka)

    await worker.log("publish.waits", "publish.unconfirmed", count=2)
    assert await worker.get("/livez") == (200, "ok\n")
    await own_kafka.start()

    await _all_is_well(world, worker)
    assert await worker.stop() == 0


async def test_sigterm_while_postgres_is_away(
    without_postgres: World, own_postgres: EmbeddedPostgres
) -> None:
    world = without_postgres
    worker = await _busy_worker(world, own_postgres)
    await worker.log("postgres.away")

    await _stops_in_time(worker)

    await own_postgres.start()
    await _all_is_well(world, await world.start_worker())


async def test_sigterm_while_kafka_is_away(without_kafka: World, own_kafka: EmbeddedKafka) -> None:
    world = without_kafka
    worker = await _busy_worker(world, own_kafka)
    # With something to publish it fails; else it looks, when all is quiet, and cannot.
    await worker.log("publish.failed", "publish.unconfirmed")

    await _stops_in_time(worker)

    await own_kafka.start()
    await _all_is_well(world, await world.start_worker())


async def _busy_worker(world: World, server: EmbeddedServer) -> WorkerProcess:
    """Start a worker, and kill a server while there is work left and while there are holds."""
    await world.prepare(partitions=2, stock={"lamp": 100_000})
    worker = await world.start_worker()
    await worker.log("lanes.taken")
    sending = asyncio.create_task(world.send(admitted(f"shopper-{n}") for n in range(SHOPPERS)))

    async def has_begun() -> bool:
        return sending.done() and await _applied(world, worker) > 0

    await until(has_begun)
    await server.kill()
    assert 0 < await _applied(world, worker) < SHOPPERS
    return worker


async def _applied(world: World, worker: WorkerProcess) -> float:
    name = ADMITTED_APPLIED.format(world.topic("admitted"))
    return (await worker.metrics()).get(name, 0)


async def _stops_in_time(worker: WorkerProcess) -> None:
    began = time.monotonic()
    async with asyncio.timeout(15):
        assert await worker.stop(signal.SIGTERM) == 0, worker.lines[-5:]
    assert time.monotonic() - began < 10
    assert worker.lines[-1]["event"] == "worker.stopped"


async def _all_is_well(world: World, worker: WorkerProcess) -> None:
    """See each shopper's outcome once, and that the worker is the one that it was."""
    outcomes = await world.outcomes(lambda read: len(read) >= SHOPPERS)
    assert len({one["headers"]["ce_id"] for one in outcomes}) == len(outcomes) == SHOPPERS
    assert {one["type"] for one in outcomes} == {"reserved"}
    await world.must("verify")

    async def is_ready() -> bool:
        return await worker.get("/readyz") == (200, "ok\n")

    await until(is_ready)
    assert worker.process.returncode is None
    assert PASSWORD not in str(worker.lines)
