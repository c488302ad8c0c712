"""Reading ahead on a real Kafka: what is in hand is in order, and of where the consumer stands."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import OffsetOutOfRangeError
from aiokafka.structs import TopicPartition

from consumers.ahead import Ahead
from consumers.poller import Poller
from service.clients import new_producer, new_reader
from service.embedded import EmbeddedKafka
from service.settings import Settings
from tests.e2e.world import until
from tests.integration.test_publisher import made


class Reading:
    """A consumer of one partition, and who reads ahead of it."""

    def __init__(self, consumer: AIOKafkaConsumer, topic: str, records_max: int) -> None:
        self.consumer = consumer
        self.at = TopicPartition(topic, 0)
        self.records_max = records_max
        self.poller = Poller(consumer)
        self.ahead = Ahead(self.poller, records_max)

    async def take(self, wait_seconds: float = 10) -> list[int]:
        """Take what is in hand, or what comes, and give the offsets."""
        found = await self.ahead.take(self.records_max, wait_seconds)
        return [record.offset for record in found.get(self.at, [])]

    async def take_to(self, last: int) -> list[int]:
        """Take until an offset has come."""
        taken: list[int] = []
        async with asyncio.timeout(20):
            while not taken or taken[-1] < last:
                taken += await self.take()
        return taken

    async def in_hand(self, count: int) -> None:
        """Wait until so many are in hand, though nobody takes them."""

        async def are_in_hand() -> bool:
            return len(self.ahead._found.get(self.at, [])) == count

        await until(are_in_hand)

    def has_fetched(self, end: int) -> Callable[[], Awaitable[bool]]:
        """Ask whether records up to an offset are here, and who polled then is back."""

        async def has_fetched() -> bool:
            return self.consumer.highwater(self.at) == end and not self.poller.is_polling

        return has_fetched

    async def is_polling(self) -> bool:
        return self.poller.is_polling

    async def is_idle(self) -> bool:
        return self.ahead.is_idle

    async def has_failed(self) -> bool:
        return self.ahead._failure is not None

    async def move_to(self, offset: int) -> None:
        async with self.ahead.held():
            self.consumer.seek(self.at, offset)


@pytest.fixture
async def settings(kafka: EmbeddedKafka) -> Settings:
    return await made(kafka)


@asynccontextmanager
async def reading(settings: Settings, records_max: int = 100) -> AsyncIterator[Reading]:
    consumer = new_reader(settings, auto_offset_reset="none")
    await consumer.start()
    one = Reading(consumer, settings.admitted_topic, records_max)
    consumer.assign([one.at])
    consumer.seek(one.at, 0)
    running = asyncio.create_task(one.ahead.run())
    try:
        yield one
    finally:
        running.cancel()
        await consumer.stop()


Send = Callable[..., Coroutine[Any, Any, None]]


@pytest.fixture
async def send(settings: Settings) -> AsyncIterator[Send]:
    """Send so many records, at once: the producer is there already."""
    producer = new_producer(settings)
    await producer.start()

    async def send_so_many(count: int, value: bytes = b"{}") -> None:
        topic = settings.admitted_topic
        sent = [await producer.send(topic, value, partition=0) for _ in range(count)]
        await asyncio.gather(*sent)

    yield send_so_many
    await producer.stop()


async def test_records_are_read_while_nobody_takes_them(settings: Settings, send: Send) -> None:
    async with reading(settings) as one:
        await send(10)
        await one.in_hand(10)

        assert await one.take(wait_seconds=0) == [*range(10)]
        assert await one.take(wait_seconds=0) == []


async def test_what_is_in_hand_is_decoded_when_there_is_time(
    settings: Settings, send: Send
) -> None:
    async with reading(settings) as one:
        await send(70)
        await one.in_hand(70)
        one.ahead.decode_meanwhile()
        assert one.ahead._decoding
        await one.ahead._decoding

        found = await one.ahead.take(70, wait_seconds=0)

    assert len([record for record in found[one.at] if record._said is not None]) == 70


async def test_no_more_than_a_batch_is_in_hand(settings: Settings, send: Send) -> None:
    await send(10)
    async with reading(settings, records_max=4) as one:
        found = []
        for _ in range(2):
            await one.in_hand(4)
            found.append(await one.take(wait_seconds=0))
        found.append(await one.take())

    assert found == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


async def test_no_more_bytes_are_in_hand_than_are_good_for_a_process(
    settings: Settings, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a poll brings may go beyond them: up to a megabyte of each partition."""
    monkeypatch.setattr("consumers.ahead.BYTES_MAX", 2_000_000)
    await send(10, b"x" * 900_000)
    async with reading(settings) as one:
        found = []
        for count in (3, 3, 3, 1):
            await one.in_hand(count)
            found.append(await one.take(wait_seconds=0))

    assert found == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]


async def test_who_asks_for_fewer_has_fewer_from_the_next_time_on(
    settings: Settings, send: Send
) -> None:
    await send(10)
    async with reading(settings, records_max=4) as one:
        await one.in_hand(4)
        one.records_max = 1

        taken = [await one.take() for _ in range(4)]

    assert taken == [[0, 1, 2, 3], [4], [5], [6]]


async def test_what_was_in_hand_when_the_consumer_was_moved_is_not_taken(
    settings: Settings, send: Send
) -> None:
    await send(10)
    async with reading(settings) as one:
        await one.in_hand(10)

        await one.move_to(7)

        assert await one.take() == [7, 8, 9]


async def test_wherever_the_consumer_is_moved_to_while_records_come_none_is_left_out(
    settings: Settings, send: Send
) -> None:
    """A record that was polled before and taken after would hide those between."""
    async with reading(settings, records_max=7) as one:
        for moves in range(1, 13):
            sending = asyncio.create_task(send(25))
            await one.take()
            begin = moves * 11 % (25 * moves - 20)
            await one.move_to(begin)
            await sending

            assert await one.take_to(25 * moves - 1) == [*range(begin, 25 * moves)]


async def test_a_poll_that_was_under_way_brings_nothing_of_before(
    settings: Settings, send: Send
) -> None:
    async with reading(settings) as one:
        await send(1)
        await one.take()
        await until(one.is_polling)
        async with one.ahead.held():
            await send(3)
            await until(one.has_fetched(4))  # a poll would give them now
            one.consumer.seek(one.at, 2)

        assert await one.take() == [2, 3]


async def test_an_error_is_for_whoever_takes_and_reading_goes_on_after_a_move(
    settings: Settings, send: Send
) -> None:
    await send(3)
    async with reading(settings) as one:
        await one.move_to(99)
        with pytest.raises(OffsetOutOfRangeError):
            await one.take()
        await one.move_to(1)

        assert await one.take() == [1, 2]


async def test_what_came_before_an_error_is_taken_before_it(settings: Settings, send: Send) -> None:
    """Kafka may have it no more: whoever is to begin anew begins after it."""
    await send(3)
    async with reading(settings) as one:
        await one.in_hand(3)
        one.consumer.seek(one.at, 99)
        await until(one.has_failed)

        assert await one.take() == [0, 1, 2]
        with pytest.raises(OffsetOutOfRangeError):
            await one.take()
        await one.move_to(1)

        assert await one.take() == [1, 2]


async def test_it_is_idle_while_nothing_is_in_hand_and_somebody_waits(
    settings: Settings, send: Send
) -> None:
    async with reading(settings) as one:
        assert not one.ahead.is_idle  # nobody waits: what was taken may be being applied

        waiting = asyncio.create_task(one.take())
        await until(one.is_idle)
        await send(1)

        assert await waiting == [0]
        assert not one.ahead.is_idle
