"""Records that nobody should send: a dead letter or a clear line, and the lane goes on."""

import pytest
from aiokafka import AIOKafkaProducer

from consumers.journaling import DEAD_LETTER_BYTES_MAX
from tests.e2e.events import ADMITTED, admitted
from tests.e2e.world import World


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


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
async def test_a_compressed_record_is_a_dead_letter_as_it_was(
    world: World, compression: str
) -> None:
    await world.prepare(partitions=1, stock={"lamp": 10})
    await world.start_worker()

    await send(world, b"?" * 3_000_000, compression=compression)

    (letter,) = await world.read("reservation-dead-letters", lambda read: len(read) == 1)
    assert letter["value"] == b"?" * 3_000_000


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


async def test_a_traceparent_flows_from_the_event_to_its_outcome(world: World) -> None:
    await world.prepare(partitions=1, stock={"lamp": 10})
    await world.start_worker()
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    _, _, value = admitted("ada")
    await send(world, value or b"", headers=[("traceparent", traceparent.encode())])

    (outcome,) = await world.outcomes(lambda read: len(read) == 1)
    assert outcome["headers"]["traceparent"] == traceparent


async def send(
    world: World,
    value: bytes,
    *,
    compression: str | None = None,
    headers: list[tuple[str, bytes]] | None = None,
) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=world.bootstrap_servers,
        compression_type=compression,
        max_request_size=64 * 1024 * 1024,
    )
    await producer.start()
    await producer.send_and_wait(world.topic(ADMITTED), value, headers=headers)
    await producer.stop()
