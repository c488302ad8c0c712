"""A consumer that reads no more, on a real broker: fetches get no answer, all else does."""

import asyncio
from collections import Counter

from tests.e2e.events import admitted
from tests.e2e.proxy import Proxy
from tests.e2e.world import WorkerProcess, World, count_of, until

FETCH = b"\x00\x01"  # the number of the request, after the four bytes of its length


async def _stalled_worker(world: World, proxy: Proxy) -> WorkerProcess:
    """Start a worker, and let its fetches have no answer while there is something to fetch."""
    await world.prepare(partitions=1, stock={"lamp": 10})
    world.settings |= {"KAFKA_BOOTSTRAP_SERVERS": proxy.address, "STALL_TIMEOUT": "1.5"}
    worker = await world.start_worker(TICK_INTERVAL="0.2")
    await world.send([admitted("ada")])
    await world.outcomes(lambda read: len(read) == 1)
    topic = world.topic("admitted").encode()
    # Of the input topics only, so that the published end of the outcomes can be read.
    proxy.stall_answers(to=lambda chunk: chunk[4:6] == FETCH and topic in chunk)
    await world.send([admitted("bo"), admitted("cy")])
    return worker


async def test_a_consumer_that_stalls_is_replaced(world: World, kafka_proxy: Proxy) -> None:
    worker = await _stalled_worker(world, kafka_proxy)

    left = await worker.log("group.left")
    assert left["cause"] == "Stalled"
    assert "no record for 1.5 s of" in left["error"]
    assert await worker.get("/livez") == (200, "ok\n")
    kafka_proxy.heal()

    outcomes = await world.outcomes(lambda read: len(read) == 3)
    assert count_of(outcomes) == Counter(reserved=3)
    assert await worker.stop() == 0
    await world.must("verify")


async def test_a_worker_whose_new_consumer_stalls_too_ends_and_livez_fails_first(
    world: World, kafka_proxy: Proxy
) -> None:
    worker = await _stalled_worker(world, kafka_proxy)

    async def is_not_alive() -> bool:
        status, text = await worker.get("/livez")
        return status == 503 and "a new consumer has not helped" in text

    await until(is_not_alive)
    async with asyncio.timeout(15):
        assert await worker.process.wait() == 3
    assert [line["cause"] for line in worker.lines if line.get("event") == "group.left"] == [
        "Stalled"
    ]
    assert "a new consumer has not helped: start the worker anew" in worker.lines[-1]["line"]


async def test_a_backlog_behind_others_is_no_stall(world: World) -> None:
    """Of a backlog one partition is read after the other, each for longer than a stall may last."""
    await world.prepare(partitions=6, stock={"lamp": 100_000})
    await world.send(admitted(f"shopper-{n}") for n in range(3000))

    worker = await world.start_worker(BATCH_SIZE_MAX="10", STALL_TIMEOUT="1")

    await world.outcomes(lambda read: len(read) == 3000)
    assert not [line for line in worker.lines if line.get("event") == "group.left"]
    assert await worker.stop() == 0


async def test_a_kafka_that_is_away_is_no_stall(world: World, kafka_proxy: Proxy) -> None:
    """Nothing has an answer, so nobody can tell: it is waited for, however long."""
    await world.prepare(partitions=1, stock={"lamp": 10})
    world.settings |= {"KAFKA_BOOTSTRAP_SERVERS": kafka_proxy.address, "STALL_TIMEOUT": "1"}
    worker = await world.start_worker(TICK_INTERVAL="0.2", PUBLISH_TIMEOUT="1")
    await worker.log("lanes.taken")

    kafka_proxy.refuse()
    kafka_proxy.reset()
    await world.send([admitted("ada"), admitted("bo")])
    await asyncio.sleep(4)  # several times what a stall may take: that nothing is said is the wish
    await kafka_proxy.listen()

    await world.outcomes(lambda read: len(read) == 2)
    assert not [line for line in worker.lines if line.get("cause") == "Stalled"]
    assert await worker.get("/livez") == (200, "ok\n")
