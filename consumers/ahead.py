"""The next batch: polled and decoded while Postgres is at the last one.

Two things are won. What Postgres takes is not waited for in idleness. And aiokafka's buffer stays
empty: where it has records of one partition for longer than a tenth of a second it asks the broker
for all others, and while that question waits for an answer, up to fetch_max_wait_ms, it asks for
nothing else. Source: aiokafka's fetcher, `_get_actions_per_node`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiokafka.structs import TopicPartition

from consumers.poller import Poller
from consumers.record import Record, Records
from consumers.turns import decode

READ_AHEAD: Final = "read-ahead"  # names of tasks
DECODE_AHEAD: Final = "decode-ahead"
WAIT_SECONDS: Final = 0.2  # for a first record; a stop is noticed as fast
BYTES_MAX: Final = 16 * 1024 * 1024  # of values in hand, from where on nothing is polled


class Ahead:
    """Reads up to one batch ahead, whoever is assigned what: it is the polls that meet errors."""

    def __init__(self, poller: Poller, records_max: int) -> None:
        self._poller = poller
        self._found: dict[TopicPartition, list[Record]] = {}
        self._records_max = records_max
        self._size = self._bytes = 0
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._changed = asyncio.Event()  # there is a record, or an error
        self._polling = asyncio.Lock()
        self._failure: Exception | None = None
        self._decoding: asyncio.Task[None] | None = None
        self._is_held = False
        self._is_awaited = False
        self.takes = 0
        self.first_ms: dict[TopicPartition, int] = {}  # the time of the first that was taken last

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing is in hand, and whoever takes it waits for more."""
        return self._is_awaited and not self._size

    async def run(self) -> None:
        """Read for ever; only to be cancelled when the consumer is to be used no more."""
        while True:
            await self._may_read.wait()
            async with self._polling:
                await self._poll()
            await asyncio.sleep(0)

    def decode_meanwhile(self) -> None:
        """Decode what is in hand, as far as there is time until it is taken."""
        self._decoding = asyncio.create_task(decode(self._found), name=DECODE_AHEAD)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Forget what is in hand and read nothing, so that the consumer can be moved meanwhile.

        It waits for a poll to end, and that may wait for a rebalance: hold nothing then that a
        rebalance waits for.
        """
        self._is_held = True
        async with self._polling:  # what is being polled is of before, too
            self.forget()
        try:
            yield
        finally:
            self._is_held = False
            self._let_read()

    def forget(self) -> None:
        """Forget what is in hand; what is being polled may still come."""
        self._failure = None
        self._empty()

    async def take(self, records_max: int, wait_seconds: float) -> Records:
        """Give all that is in hand, or as soon as there is some; next time, at most so many.

        Raises, once all that came before it was given, KafkaError; OffsetOutOfRangeError where
        Kafka no longer has what would be next.
        """
        self._records_max = records_max
        if not self._size and wait_seconds:
            await self._wait(wait_seconds)
        if self._failure is not None and not self._size:
            failure = self._failure
            self.forget()
            raise failure
        found = self._found
        self._empty()
        self.takes += 1
        self.first_ms |= {at: records[0].timestamp for at, records in found.items()}
        return found

    def _empty(self) -> None:
        self._found, self._size, self._bytes = {}, 0, 0
        if self._failure is None:
            self._changed.clear()
        self._let_read()

    async def _wait(self, seconds: float) -> None:
        self._is_awaited = True
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass
        finally:
            self._is_awaited = False

    async def _poll(self) -> None:
        if self._is_held:
            return
        try:
            found = await self._poller.poll(self._records_max - self._size)
        except Exception as error:  # it is for whoever takes; nothing is read until then
            self._failure = error
            self._let_read()
            self._changed.set()
            return
        for at, records in found.items():
            self._found.setdefault(at, []).extend(records)
            self._size += len(records)
            self._bytes += sum(len(record.value or b"") for record in records)
        self._let_read()
        if self._size:
            self._changed.set()

    def _let_read(self) -> None:
        is_full = self._size >= self._records_max or self._bytes >= BYTES_MAX
        if self._is_held or self._failure is not None or is_full:
            self._may_read.clear()
        else:
            self._may_read.set()
