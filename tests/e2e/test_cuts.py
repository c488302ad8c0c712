"""A worker is cut off from one server while it can talk to the other, and to nobody's harm."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.embedded import EmbeddedKafka, EmbeddedPostgres, start_kafka
from tests.e2e.events import admitted
from tests.e2e.proxy import Proxy, behind, proxy_to
from tests.e2e.world import WorkerProcess, World, until
from tests.integration.conftest import create_database, drop_database

LANES = 2
SHOPPERS = 40  # each time
SETTINGS = {"SESSION_TIMEOUT": "2", "PUBLISH_TIMEOUT": "3", "TICK_INTERVAL": "0.2"}


@pytest.fixture
async def two_doors(
    postgres: EmbeddedPostgres, directory: Path, migrated_template: str
) -> AsyncIterator[tuple[World, Proxy]]:
    """A world with a Kafka of its own, and a proxy before that."""
    url = await create_database(postgres.dsn, "two_doors", template=migrated_template)
    listener, port = behind("PROXIED")
    kafka: EmbeddedKafka = await start_kafka(directory, listeners=[listener])
    world = World("two-doors", url, kafka.bootstrap_servers, directory, dict(SETTINGS))
    async with proxy_to(listener.port, port) as proxy:
        yield world, proxy
        await world.close()
    await kafka.stop()
    await drop_database(postgres.dsn, "two_doors")


async def test_cut_from_postgres_alone_a_worker_waits_and_keeps_its_lanes(
    world: World, postgres: EmbeddedPostgres
) -> None:
    world.settings |= SETTINGS
    await world.prepare(partitions=LANES, stock={"lamp": 100_000})
    async with proxy_to(postgres.port) as proxy:
        url = world.database_url.replace(str(postgres.port), str(proxy.port))
        cut = await world.start_worker(DATABASE_URL=url)
        whole = await world.start_worker()
        await until_shared(cut, whole)

        proxy.refuse()
        proxy.reset()
        await world.send(admitted(f"meanwhile-{n}") for n in range(SHOPPERS))
        await cut.log("postgres.away", count=4)
        [lane] = {one["lane"] for one in await world.outcomes(lambda read: len(read) > 0)}
        await proxy.listen()

        outcomes = await world.outcomes(lambda read: len(read) >= SHOPPERS)
        assert len({one["consumerId"] for one in outcomes}) == len(outcomes) == SHOPPERS
        assert {one["lane"] for one in outcomes} == {0, 1} > {lane}
        await until_shared(cut, whole)
        assert not [line for line in cut.lines if line.get("event") == "group.left"]
        await world.must("verify")
        await world.close()


async def test_cut_from_kafka_alone_a_worker_loses_its_lanes_and_comes_back_for_them(
    two_doors: tuple[World, Proxy],
) -> None:
    world, proxy = two_doors
    await world.prepare(partitions=LANES, stock={"lamp": 100_000})
    cut = await world.start_worker(KAFKA_BOOTSTRAP_SERVERS=proxy.address)
    whole = await world.start_worker()
    await until_shared(cut, whole)
    await world.send(admitted(f"before-{n}") for n in range(SHOPPERS))

    proxy.stall()  # half open: nothing comes through, and nobody is told
    await world.send(admitted(f"meanwhile-{n}") for n in range(SHOPPERS))
    await until(lambda: owns(whole, LANES))
    await world.outcomes(lambda read: len(read) == 2 * SHOPPERS)
    proxy.heal()

    await until_shared(cut, whole)
    await world.send(admitted(f"after-{n}") for n in range(SHOPPERS))
    outcomes = await world.outcomes(lambda read: len(read) >= 3 * SHOPPERS)
    assert len({one["consumerId"] for one in outcomes}) == len(outcomes) == 3 * SHOPPERS
    assert not [line for line in whole.lines if line.get("event") == "group.left"]
    await world.must("verify")


async def owns(worker: WorkerProcess, lanes: int) -> bool:
    return (await worker.metrics())["reservations_lanes_owned"] == lanes


async def until_shared(cut: WorkerProcess, whole: WorkerProcess) -> None:
    async def each_owns_one() -> bool:
        return await owns(cut, 1) and await owns(whole, 1)

    await until(each_owns_one, seconds=40)
