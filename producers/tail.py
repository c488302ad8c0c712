"""The published end of a lane: what the topics say themselves, read committed."""

from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from producers.cloudevents import SEQUENCE_HEADERS, sequence_of
from producers.kafka import Kafka
from schemas.journal import Mark, Marks
from schemas.vocabulary import Stream

Place = tuple[int, Stream]


async def read_tails(kafka: Kafka, lanes: Mapping[int, Marks]) -> dict[int, Marks]:
    """Find the last published sequence of each lane's streams, looking from the marks on.

    Call it after the lanes' producers have started: that has ended their open transactions, so
    the end of what is committed is the true end. Raises KafkaError.
    Source: Kafka's documentation, "isolation.level"; the last stable offset.
    """
    tails = {number: dict(marks) for number, marks in lanes.items()}
    if not lanes:
        return {}
    consumer = kafka.new_reader()
    await consumer.start()
    try:
        places = {
            TopicPartition(kafka.topics[stream], number): (number, stream)
            for number, marks in lanes.items()
            for stream in marks
        }
        end = await _seek(consumer, places, tails)
        await _read_to_end(consumer, places, end, tails)
    finally:
        await consumer.stop()
    return dict(tails)


async def _seek(
    consumer: AIOKafkaConsumer,
    places: Mapping[TopicPartition, Place],
    tails: Mapping[int, Marks],
) -> dict[TopicPartition, int]:
    """Go to where the published end was last seen, or as near as retention has left."""
    consumer.assign(list(places))
    first = await consumer.beginning_offsets(list(places))
    end: dict[TopicPartition, int] = await consumer.end_offsets(list(places))
    for partition, (number, stream) in places.items():
        seen = tails[number][stream].offset
        consumer.seek(partition, min(max(seen, first[partition]), end[partition]))
    return end


async def _read_to_end(
    consumer: AIOKafkaConsumer,
    places: Mapping[TopicPartition, Place],
    end: Mapping[TopicPartition, int],
    tails: Mapping[int, dict[Stream, Mark]],
) -> None:
    behind = set(places)
    while True:
        # The position moves past transaction markers and aborted records by itself.
        behind = {p for p in behind if await consumer.position(p) < end[p]}
        if not behind:
            return
        for partition, records in (await consumer.getmany(*behind, timeout_ms=200)).items():
            number, stream = places[partition]
            for record in records:
                sequence = sequence_of(record.headers, SEQUENCE_HEADERS[stream])
                if sequence is not None:
                    tails[number][stream] = Mark(sequence, record.offset + 1)
