"""Events at a steady rate: how long until what they led to can be read."""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from tests.benchmarks.worlds import LANES, outcomes_of
from tests.e2e.events import admitted
from tests.e2e.world import World

WARM_UP_SECONDS: Final = 2.0
SECONDS_MAX: Final = 300.0
_BURSTS_A_SECOND: Final = 100  # at most; slower rates send one event at a time
_BATCH_BYTES: Final = 500_000  # of a lane's part of a burst; what is more goes in a further batch

_RUNS: Final = count()


class Sample(NamedTuple):
    """When an event was sent, and how long it took until its outcome was read, read committed."""

    sent_at: float  # seconds, as time.time() gives them
    ms: float


class Latencies(NamedTuple):
    """Milliseconds from an event's being sent until its outcome was read, read committed."""

    p50: float
    p90: float
    p99: float
    most: float


def latencies_of(milliseconds: Sequence[float]) -> Latencies:
    """Give the percentiles: of so many values the one at that place, none made up in between."""
    ordered = sorted(milliseconds)
    p50, p90, p99 = (ordered[int(len(ordered) * part)] for part in (0.50, 0.90, 0.99))
    return Latencies(p50, p90, p99, ordered[-1])


async def paced(world: World, rate: float, seconds: float, *, products: int = 1) -> list[float]:
    """Send admissions at a rate, to running workers, and give the milliseconds of each.

    Those of the first seconds are left out: connections, plans and caches are cold.
    """
    samples = await paced_samples(world, rate, seconds + WARM_UP_SECONDS, products=products)
    return [one.ms for one in samples]


async def paced_samples(
    world: World,
    rate: float,
    seconds: float,
    *,
    products: int = 1,
    until: asyncio.Future[Any] | None = None,
) -> list[Sample]:
    """Do so for so many seconds in all, and tell of each event when it was sent, too.

    With `until`, events go on being sent until it is done.
    """
    sent: dict[bytes, float] = {}
    took: list[Sample] = []
    async with outcomes_of(world, new_only=True) as reader:
        began, clock = time.perf_counter(), time.time() - time.perf_counter()
        sending = asyncio.create_task(_send(world, rate, seconds, products, sent, until))
        async with asyncio.timeout(seconds + (60 if until is None else SECONDS_MAX)):
            while not sending.done() or sent:
                for records in (await reader.getmany(timeout_ms=200)).values():
                    now = time.perf_counter()
                    for record in records:
                        sent_at = sent.pop(record.key, None)
                        if sent_at is not None and sent_at - began > WARM_UP_SECONDS:
                            took.append(Sample(sent_at + clock, (now - sent_at) * 1000))
                if sending.done():
                    await sending  # raises what it met: what was not sent is never read
    return took


async def _send(
    world: World,
    rate: float,
    seconds: float,
    products: int,
    sent: dict[bytes, float],
    until: asyncio.Future[Any] | None,
) -> None:
    """Send on time, whatever the answers take: who waits for them measures less than a crowd."""
    run = next(_RUNS)
    producer = AIOKafkaProducer(
        bootstrap_servers=world.bootstrap_servers, acks="all", max_batch_size=_BATCH_BYTES
    )
    await producer.start()
    try:
        began, number, answers = time.perf_counter(), 0, []
        while (now := time.perf_counter() - began) < seconds or (until and not until.done()):
            burst = range(number, max(number, math.ceil(now * rate)))
            number = burst.stop
            for lane in range(min(LANES, len(burst))):
                shoppers = [
                    (f"paced-{run}-{n}", f"lamp-{n % products}") for n in burst[lane::LANES]
                ]
                partition = burst[lane] % LANES
                answers += [
                    await producer.send_batch(batch, world.topic("admitted"), partition=partition)
                    for batch in batches(producer.create_batch, shoppers, sent)
                ]
            await asyncio.sleep(1 / min(rate, _BURSTS_A_SECOND))
        await asyncio.gather(*answers)
    finally:
        await producer.stop()


def batches(
    new_batch: Callable[[], BatchBuilder],
    shoppers: Iterable[tuple[str, str]],
    sent: dict[bytes, float],
) -> list[BatchBuilder]:
    """Make batches of admissions: record by record, a sender would take as much as the worker.

    Mostly it is one. After a moment in which nothing could be sent it may be more.
    """
    made = [new_batch()]
    for shopper, product in shoppers:
        _, key, value = admitted(shopper, product)
        assert key is not None
        record = {"key": key.encode(), "value": value, "timestamp": int(time.time() * 1000)}
        if made[-1].append(**record) is None:  # it is full
            made.append(new_batch())
            assert made[-1].append(**record) is not None
        sent[key.encode()] = time.perf_counter()
    return made
