"""The producer under one transactional id. It commits; on any error it is thrown away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, TypeAlias

from aiokafka.errors import KafkaError
from aiokafka.producer import sender

from producers.cloudevents import headers_of
from producers.kafka import Kafka
from schemas import steps
from schemas.journal import JournalEntry, Mark
from schemas.vocabulary import Stream

Place: TypeAlias = tuple[int, Stream]  # a lane's stream: a partition

DISCARD_SECONDS = 2.0

# Kafka refuses to begin a transaction until the markers of the one before are written, which takes
# it some milliseconds. aiokafka asks again after 20 ms, and has no option for it; a worker in the
# midst of a sale has the next transaction ready at once.
AGAIN_SECONDS: Final = 0.002
sender.BACKOFF_OVERRIDE = AGAIN_SECONDS


@dataclass(frozen=True, slots=True)
class _Sent:
    """A batch on its way: the sequence of its last entry, and how many it has."""

    place: Place
    sequence: int
    count: int
    acknowledged: asyncio.Future[Any]

    async def offset_after(self) -> int:
        return int((await self.acknowledged).offset) + self.count


class TransactionalProducer:
    """Publishes entries of any lanes, each call in one Kafka transaction, one after the other."""

    def __init__(self, kafka: Kafka, transactional_id: str) -> None:
        self._producer = kafka.new_producer(transactional_id)
        self._topics = kafka.topics
        self._turn = asyncio.Lock()  # it has one transaction at a time
        self._is_broken = False

    async def start(self) -> None:
        """Become the only one under this id: an earlier one is fenced, what it left open aborted.

        Source: Kafka's documentation of KafkaProducer, initTransactions.
        """
        try:
            await self._producer.start()
        except BaseException:
            await self.discard()
            raise

    async def publish(self, entries: Sequence[JournalEntry]) -> dict[Place, Mark]:
        """Publish entries, all or none, and give the new published ends.

        Those of a lane's stream are together and in order. Raises KafkaError; then nothing is
        known, and the producer is of no further use.
        """
        async with self._transaction():
            return await self._publish(entries)

    async def _publish(self, entries: Sequence[JournalEntry]) -> dict[Place, Mark]:
        steps.done("begun", len(entries))
        sent: list[_Sent] = []
        try:
            for _, run in groupby(entries, key=place_of):
                await self._send(list(run), sent)
            # Acknowledged first: a commit with a refused batch would publish the others alone.
            ends = {one.place: Mark(one.sequence, await one.offset_after()) for one in sent}
            steps.done("sent", len(entries))
            await self._producer.commit_transaction()
            steps.done("published", len(entries))
            return ends
        finally:
            for one in sent:
                _forget(one.acknowledged)

    async def probe(self, lane: int) -> None:
        """Bring markers of this producer into a lane's partitions, without a readable record."""
        async with self._transaction():
            sent = [
                await self._producer.send(topic, b"", partition=lane)
                for topic in self._topics.values()
            ]
            try:
                await self._producer.abort_transaction()
            finally:
                for one in sent:
                    _forget(one)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        """Begin one, alone; whoever comes after one that failed or was cancelled is refused."""
        async with self._turn:
            if self._is_broken:
                raise KafkaError("the producer has failed, and is to be made anew")
            try:
                await self._producer.begin_transaction()
                yield
            except BaseException:
                self._is_broken = True
                raise

    async def discard(self) -> None:
        """Throw the producer away, for at most some seconds: its stop may wait for a broker."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(DISCARD_SECONDS):
                await self._producer.stop()

    async def _send(self, entries: Sequence[JournalEntry], sent: list[_Sent]) -> None:
        """Send entries of one place in as few batches as they fit in."""
        batch = self._producer.create_batch()
        last = entries[0]
        for entry in entries:
            if not _append(batch, entry):
                sent.append(await self._send_batch(batch, last))
                batch = self._producer.create_batch()
                _append(batch, entry)  # a first record always fits; the broker has the last word
            last = entry
        sent.append(await self._send_batch(batch, last))

    async def _send_batch(self, batch: Any, last: JournalEntry) -> _Sent:
        batch.close()
        count = batch.record_count()
        topic = self._topics[last.stream]
        acknowledged = await self._producer.send_batch(batch, topic, partition=last.lane)
        return _Sent(place_of(last), last.sequence, count, acknowledged)


def place_of(entry: JournalEntry) -> Place:
    """Give the lane and the stream of an entry: its partition."""
    return entry.lane, entry.stream


def _forget(acknowledged: asyncio.Future[Any]) -> None:
    """Wait for it no more; asyncio would tell of an error that nobody has asked for."""
    if not acknowledged.cancel() and not acknowledged.cancelled():
        acknowledged.exception()


def _append(batch: Any, entry: JournalEntry) -> bool:
    headers = headers_of(entry)
    added = batch.append(key=entry.key, value=entry.value, timestamp=None, headers=headers)
    return added is not None
