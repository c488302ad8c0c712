"""What is published, read back: partitions to their ends, and the ids of records."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final, TypeAlias

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaTimeoutError
from aiokafka.structs import ConsumerRecord, TopicPartition

from producers.cloudevents import ID_HEADERS
from schemas.vocabulary import Stream

Record: TypeAlias = "ConsumerRecord[bytes, bytes]"
Records: TypeAlias = Mapping[TopicPartition, Sequence[Record]]

SILENCE_SECONDS_MAX: Final = 30.0  # a broker with records to give has given some by then
_POLL_MS: Final = 200
_BATCH_RECORDS_MAX: Final = 5000


async def batches_until(
    consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]
) -> AsyncIterator[Records]:
    """Read assigned partitions from where they stand to these offsets, and perhaps beyond.

    A batch may be empty. Raises KafkaTimeoutError when nothing moves for long, and
    OffsetOutOfRangeError where retention was faster and the consumer has no offset reset.
    """
    positions: dict[TopicPartition, int] = {}
    moved_at = time.monotonic()
    while True:
        # A position moves past transaction markers and aborted records by itself.
        before, positions = positions, {p: await consumer.position(p) for p in ends}
        left = [partition for partition in ends if positions[partition] < ends[partition]]
        if not left:
            return
        moved_at = time.monotonic() if positions != before else moved_at
        if time.monotonic() - moved_at > SILENCE_SECONDS_MAX:
            raise KafkaTimeoutError(f"no record of {left[0]} for {SILENCE_SECONDS_MAX:g} s")
        yield await consumer.getmany(*left, timeout_ms=_POLL_MS, max_records=_BATCH_RECORDS_MAX)


def id_of(headers: Sequence[tuple[str, bytes | None]], stream: Stream) -> str | None:
    """Give the id in a published record. A dead letter may carry the headers of an earlier one."""
    values = [value for header, value in headers if header == ID_HEADERS[stream]]
    return (values[-1] or b"").decode("ascii", "replace") or None if values else None
