"""Records that nobody should send: a dead letter or a clear line, and the lane goes on."""

import asyncio
from typing import NamedTuple

from aiokafka import AIOKafkaProducer

from consumers.journaling import DEAD_LETTER_BYTES_MAX
from service.outcome_reader import Published, published_reader
from tests.e2e.events import ADMITTED, CARTS, COMPLETED, EXPIRED, admitted
from tests.e2e.world import WorkerProcess, World, until
from tests.poison import GOOD, POISON, Poison
from tests.raw_batches import CODECS, RawRecord, readable, send_raw


async def test_the_largest_record_that_a_topic_takes_is_kept_whole(world: World) -> None:
    await world.prepare(partitions=1, stock={"lamp": 10})
    await world.start_worker()
    value = b"?" * 1_048_400

    await send(world, value, compression=None)
    await world.send([admitted("ada")])

    (letter,) = await world.read("reservation-dead-letters", lambda read: len(read) == 1)
    assert letter["value"] == value
    assert len(await world.outcomes(lambda read: len(read) == 1)) == 1
    await world.must("verify")


async def test_a_record_that_unpacks_to_more_than_a_batch_is_a_dead_letter_as_it_was(
    world: World,
) -> None:
    await world.prepare(partitions=1, stock={"lamp": 10})
    await world.start_worker()

    await send(world, b"?" * 3_000_000, compression="gzip")

    (letter,) = await world.read("reservation-dead-letters", lambda read: len(read) == 1)
    assert letter["value"] == b"?" * 3_000_000


async def test_each_kind_of_poison_is_a_dead_letter_or_right_and_costs_its_batch_nothing(
    world: World,
) -> None:
    await world.prepare(partitions=2, stock={"lamp": 10_000})
    sent = {place: one for codec in CODECS for place, one in await send_all_kinds(world, codec)}
    worker = await world.start_worker()

    held = {one.shopper: one.poison.units for one in sent.values() if not one.poison.reason}
    refused = {place: one for place, one in sent.items() if one.poison.reason}
    outcomes = await world.outcomes(lambda read: len(read) >= len(held))
    letters = await dead_letters(world, len(refused))

    assert {one["consumerId"]: one["quantity"] for one in outcomes} == held
    assert {one["type"] for one in outcomes} == {"reserved"}
    assert letters.keys() == refused.keys()
    for place, one in refused.items():
        letter, headers = letters[place], readable(one.record.headers)
        assert (letter.key, letter.value) == (one.record.key, one.record.value)
        assert letter.headers[: len(headers)] == headers
        assert reason_of(letter).startswith(one.poison.reason)
    assert not [line for line in worker.lines if line["event"].startswith("ticker.")]
    await until(lambda: sees_its_ticks(worker))
    await world.must("verify")


async def test_a_header_name_that_is_not_utf_8_costs_none_of_its_poll(world: World) -> None:
    await world.prepare(partitions=2, stock={"lamp": 10})
    odd = ((b"na\xffme", b"1"),)
    before, after = (Poison("good", GOOD).record(name) for name in ("before", "after"))
    records = [before, Poison("odd", GOOD, headers=odd).record("odd"),
               Poison("bad", b"?", headers=odd).record("bad"), after]  # fmt: skip
    for topic, partition in ((ADMITTED, 0), (ADMITTED, 1), (COMPLETED, 0)):
        await send_raw(world.bootstrap_servers, world.topic(topic), [records], partition=partition)
    worker = await world.start_worker()
    await world.send([admitted("later")])

    held = await world.outcomes(lambda read: "later" in {one["consumerId"] for one in read})
    letters = await dead_letters(world, 3)

    assert {one["consumerId"] for one in held} == {"before", "odd", "after", "later"}
    assert {letter.headers[0] for letter in letters.values()} == {("na\\xffme", b"1")}
    assert worker.process.returncode is None
    await world.must("verify")


async def test_what_unpacks_to_more_than_any_topic_takes_leaves_its_place_and_its_size(
    world: World,
) -> None:
    await world.prepare(partitions=1, stock={"lamp": 10})
    await world.start_worker()

    await send(world, b"?" * (DEAD_LETTER_BYTES_MAX + 1), compression="gzip")
    await world.send([admitted("ada")])

    (letter,) = await world.read("reservation-dead-letters", lambda read: len(read) == 1)
    assert letter["headers"]["dlq.truncated"] == str(DEAD_LETTER_BYTES_MAX + 1)
    assert letter["headers"]["dlq.offset"] == "0"
    assert len(await world.outcomes(lambda read: len(read) == 1)) == 1
    await world.must("verify")


# A codec for each topic, but for commands: what a record is its type says, not its topic. That of
# ticks has a second reader, the one that measures them.
TOPIC_OF = {
    "none": ADMITTED,
    "gzip": "expiry-ticks",
    "snappy": CARTS,
    "lz4": COMPLETED,
    "zstd": EXPIRED,
}


class Sent(NamedTuple):
    """A record of a kind, and whose it is."""

    poison: Poison
    shopper: str
    record: RawRecord


Place = tuple[str, int, int]  # topic, partition, offset


async def send_all_kinds(world: World, codec: str) -> list[tuple[Place, Sent]]:
    """Send each kind, a good one after it, in one batch; without a codec that is too much."""
    good = Poison("good", GOOD)
    kinds = [each for poison in POISON for each in (poison, good)]
    sent = [
        Sent(poison, shopper, poison.record(shopper))
        for number, poison in enumerate(kinds)
        for shopper in [f"{codec}-{number}"]
    ]
    records = [one.record for one in sent]
    batches = [[record] for record in records] if codec == "none" else [records]
    partition = list(CODECS).index(codec) % 2
    topic = world.topic(TOPIC_OF[codec])
    offsets = await send_raw(
        world.bootstrap_servers, topic, batches, partition=partition, codec=codec
    )
    return [((topic, partition, offset), one) for offset, one in zip(offsets, sent, strict=True)]


async def dead_letters(world: World, count: int) -> dict[Place, Published]:
    """Read so many dead letters, by the place that they came from."""
    found: dict[Place, Published] = {}
    settings = world.own_settings()
    topics = [settings.dead_letters_topic]
    async with asyncio.timeout(60), published_reader(settings, topics, 2) as reader:
        await reader.from_beginning()
        arriving = reader.endless()
        while len(found) < count:
            found |= {place_of(record): record for record in await anext(arriving)}
    return found


async def sees_its_ticks(worker: WorkerProcess) -> bool:
    """Tell whether the ticker has read one of its own, behind whatever else is in the topic."""
    return (await worker.metrics())["reservations_tick_age_seconds"] > 0


def place_of(letter: Published) -> Place:
    headers = {name: (value or b"").decode() for name, value in letter.headers[-7:]}
    return headers["dlq.topic"], int(headers["dlq.partition"]), int(headers["dlq.offset"])


def reason_of(letter: Published) -> str:
    return (dict(letter.headers)["dlq.reason"] or b"").decode()


async def send(
    world: World,
    value: bytes,
    *,
    compression: str | None = None,
) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=world.bootstrap_servers,
        compression_type=compression,
        max_request_size=64 * 1024 * 1024,
    )
    await producer.start()
    await producer.send_and_wait(world.topic(ADMITTED), value)
    await producer.stop()
