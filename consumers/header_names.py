"""Header names that are not UTF-8, which aiokafka refuses together with all that was polled.

Kafka's protocol says that they are UTF-8, and brokers take any bytes. aiokafka raises
UnicodeDecodeError out of the poll, and the same one again at every next attempt. Here a batch that
it cannot read is read once more, record by record, in Python; all others stay with its own fast
reader. Nothing is skipped, and offsets are moved by nobody but aiokafka.
Source: Kafka's documentation of the message format, "Record" and "Record Header".
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecord, _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy
from aiokafka.record.util import decode_varint

_MAGIC_WITH_HEADERS: Final = 2
_LOG_APPEND_TIME: Final = 1


def read_every_header_name() -> None:
    r"""Let all consumers of this process read such names, with `\xff` for a byte 0xff."""
    fetcher.MemoryRecords = TolerantRecords


class TolerantRecords(_MemoryRecordsPy):  # type: ignore[misc]
    """What a fetch brought of a partition, batch by batch."""

    def next_batch(self) -> Any:
        data = self._next_slice
        batch = super().next_batch()
        if batch is None or batch.magic < _MAGIC_WITH_HEADERS or batch.is_control_batch:
            return batch
        return _TolerantBatch(batch, data)


class _TolerantBatch:
    """A batch that aiokafka reads, for as long as it can."""

    def __init__(self, batch: Any, data: memoryview) -> None:
        self._batch = batch
        self._data = data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        given = 0
        try:
            for record in self._batch:
                yield record
                given += 1
        # The second is what aiokafka makes of the first where its compiled part is missing. A batch
        # that really is corrupt is refused once more.
        except (UnicodeDecodeError, CorruptRecordException):
            yield from islice(_BatchOfAnyNames(self._data), given, None)


class _BatchOfAnyNames(_DefaultRecordBatchPy):  # type: ignore[misc]
    """A batch read in Python, whatever bytes its header names are."""

    _pos: int

    def _read_msg(self) -> Any:
        fields = _Fields(self._buffer, self._pos)
        length = fields.number()
        end = fields.position + length
        fields.number()  # attributes: none is defined
        timestamp = self.first_timestamp + fields.number()
        offset = self.base_offset + fields.number()
        key, value = fields.content(), fields.content()
        headers = [(fields.name(), fields.content()) for _ in range(fields.size())]
        if fields.position != end:
            raise CorruptRecordException(f"record of {length} bytes ends at another one")
        self._pos = end
        if self.timestamp_type == _LOG_APPEND_TIME:
            timestamp = self.max_timestamp
        return DefaultRecord(offset, timestamp, self.timestamp_type, key, value, headers)


class _Fields:
    """The fields of a record, one after the other."""

    def __init__(self, buffer: bytearray, position: int) -> None:
        self._buffer = buffer
        self.position = position

    def number(self) -> int:
        value, self.position = decode_varint(self._buffer, self.position)
        return int(value)

    def size(self) -> int:
        if (size := self.number()) < 0:
            raise CorruptRecordException(f"record with a size of {size}")
        return size

    def content(self) -> bytes | None:
        size = self.number()
        return self._bytes(size) if size >= 0 else None

    def name(self) -> str:
        return self._bytes(self.size()).decode("utf-8", "backslashreplace")

    def _bytes(self, size: int) -> bytes:
        begin, self.position = self.position, self.position + size
        return bytes(self._buffer[begin : self.position])
