"""Batches of records that no ordinary producer makes: built by hand, sent as they are."""

from collections.abc import Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}

RawHeaders = tuple[tuple[bytes, bytes | None], ...]


class RawRecord(NamedTuple):
    """A record whose header names may be any bytes."""

    key: bytes | None = None
    value: bytes | None = None
    headers: RawHeaders = ()


def readable(headers: RawHeaders) -> tuple[tuple[str, bytes | None], ...]:
    """Give headers as our consumers read them: what is no UTF-8 in a name is written out."""
    return tuple((name.decode("utf-8", "backslashreplace"), value) for name, value in headers)


class _RawName(str):
    """A header name that says it is other bytes than its text."""

    __slots__ = ("raw",)
    raw: bytes

    def __new__(cls, raw: bytes) -> "_RawName":
        name = super().__new__(cls)
        name.raw = raw
        return name

    def encode(self, *_: str) -> bytes:
        return self.raw


def raw_batch(records: Sequence[RawRecord], codec: str = "none", at_ms: int | None = None) -> bytes:
    """Build one batch of records, as a producer sends it."""
    builder = _DefaultRecordBatchBuilderPy(2, CODECS[codec], 0, -1, -1, -1, 64 * 1024 * 1024)
    for offset, record in enumerate(records):
        headers = [(_RawName(name), value) for name, value in record.headers]
        builder.append(offset, at_ms, record.key, record.value, headers)
    return bytes(builder.build())


async def send_raw(
    bootstrap_servers: str,
    topic: str,
    batches: Sequence[Sequence[RawRecord]],
    *,
    partition: int = 0,
    codec: str = "none",
    at_ms: int | None = None,
) -> list[int]:
    """Send records in these batches, of now or of a time, and give the offset of each record."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap_servers, max_request_size=64 * 1024 * 1024, acks="all"
    )
    await producer.start()
    offsets: list[int] = []
    try:
        for records in batches:
            batch = producer.create_batch()
            batch._buffer, batch._relative_offset = raw_batch(records, codec, at_ms), len(records)
            batch.close()
            sent = await producer.send_batch(batch, topic, partition=partition)
            first = (await sent).offset
            offsets += range(first, first + len(records))
    finally:
        await producer.stop()
    return offsets
