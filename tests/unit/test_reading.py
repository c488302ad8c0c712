"""Reading partitions to their ends: where it stops, and what it does not wait for."""

from collections.abc import Mapping
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError
from aiokafka.structs import TopicPartition

from producers import reading
from producers.reading import batches_until, id_of

FIRST, SECOND = TopicPartition("lamps", 0), TopicPartition("lamps", 1)


class Consumer:
    """Gives one record of each partition that is asked for, as far as there are any."""

    def __init__(self, positions: Mapping[TopicPartition, int], last: int) -> None:
        self.positions: dict[TopicPartition, int] = dict(positions)
        self.last = last
        self.asked: list[tuple[TopicPartition, ...]] = []

    async def position(self, partition: TopicPartition) -> int:
        return self.positions[partition]

    async def getmany(self, *partitions: TopicPartition, **_: Any) -> dict[TopicPartition, Any]:
        self.asked.append(partitions)
        found = {each: [object()] for each in partitions if self.positions[each] < self.last}
        for each in found:
            self.positions[each] += 1
        return found


async def test_each_partition_is_read_to_its_end_and_no_further() -> None:
    consumer = Consumer({FIRST: 0, SECOND: 1}, last=9)

    batches = [batch async for batch in batches_until(consumer, {FIRST: 1, SECOND: 3})]

    assert consumer.positions == {FIRST: 1, SECOND: 3}
    assert consumer.asked == [(FIRST, SECOND), (SECOND,)]
    assert len(batches) == 2


async def test_where_nothing_is_to_be_read_nobody_is_asked() -> None:
    consumer = Consumer({FIRST: 4}, last=9)

    assert [batch async for batch in batches_until(consumer, {FIRST: 4})] == []
    assert consumer.asked == []


async def test_a_silent_broker_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SILENCE_SECONDS_MAX", 0.01)
    consumer = Consumer({FIRST: 0}, last=2)
    batches = batches_until(consumer, {FIRST: 3})

    with pytest.raises(KafkaTimeoutError, match=r"no record of .*lamps.* for 0\.01 s"):
        [batch async for batch in batches]

    assert consumer.positions == {FIRST: 2}


@pytest.mark.parametrize(
    ("headers", "id_"),
    [
        ([("ce_id", b"1")], "1"),
        ([("ce_id", b"1"), ("ce_id", b"2")], "2"),
        ([("dlq.id", b"1")], None),
        ([("ce_id", None)], None),
        ([("ce_id", b"")], None),
        ([], None),
    ],
)
def test_the_last_header_tells_the_id(
    headers: list[tuple[str, bytes | None]], id_: str | None
) -> None:
    assert id_of(headers, "outcomes") == id_
