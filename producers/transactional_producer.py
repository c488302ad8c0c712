"""The producer under one transactional id. It commits; on any error it is thrown away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.errors import IllegalOperation, KafkaError
from aiokafka.producer import sender

from producers.batches import Batch, Place, batches_of
from producers.kafka import Kafka
from schemas import steps
from schemas.journal import JournalEntry, Mark

DISCARD_SECONDS = 2.0

# Kafka refuses to begin a transaction until the markers of the one before are written, which takes
# it some milliseconds. aiokafka asks again after 20 ms, and has no option for it; a worker in the
# midst of a sale has the next transaction ready at once.
AGAIN_SECONDS: Final = 0.002
sender.BACKOFF_OVERRIDE = AGAIN_SECONDS

# When aiokafka learns between two calls that a transaction has failed, say that the producer was
# fenced, the second call is told that it does not fit the state; the cause is what was sent told.
WRONG_STATE: Final = (IllegalOperation, AssertionError)


@dataclass(frozen=True, slots=True)
class _Sent:
    """A batch on its way."""

    batch: Batch
    acknowledged: asyncio.Future[Any]

    async def end(self) -> Mark:
        """Give the published end of its place, when Kafka has told where the batch is."""
        first = int((await self.acknowledged).offset)
        return Mark(self.batch.last_sequence, first + self.batch.count)


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
        async with self._transaction() as acknowledged:
            steps.done("begun", len(entries))
            sent: list[_Sent] = []
            for batch in batches_of(entries, self._producer.create_batch):
                sent.append(await self._send(batch))
                acknowledged.append(sent[-1].acknowledged)
            # Acknowledged first: a commit with a refused batch would publish the others alone.
            ends = {one.batch.place: await one.end() for one in sent}
            steps.done("sent", len(entries))
            await self._producer.commit_transaction()
            steps.done("published", len(entries))
            return ends

    async def probe(self, lane: int) -> None:
        """Bring markers of this producer into a lane's partitions, without a readable record."""
        async with self._transaction() as acknowledged:
            for topic in self._topics.values():
                acknowledged.append(await self._producer.send(topic, b"", partition=lane))
            await self._producer.abort_transaction()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[list[asyncio.Future[Any]]]:
        """Begin one, alone, and forget in its end what was sent in it.

        Whoever comes after one that failed or was cancelled is refused.
        """
        async with self._turn:
            if self._is_broken:
                raise KafkaError("the producer has failed, and is to be made anew")
            acknowledged: list[asyncio.Future[Any]] = []
            try:
                await self._producer.begin_transaction()
                yield acknowledged
            except WRONG_STATE as error:
                self._is_broken = True
                if (cause := _first_error(acknowledged)) is None:
                    raise
                raise cause from error
            except BaseException:
                self._is_broken = True
                raise
            finally:
                for one in acknowledged:
                    _forget(one)

    async def discard(self) -> None:
        """Throw the producer away, for at most some seconds: its stop may wait for a broker."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(DISCARD_SECONDS):
                await self._producer.stop()

    async def _send(self, batch: Batch) -> _Sent:
        lane, stream = batch.place
        topic = self._topics[stream]
        acknowledged = await self._producer.send_batch(batch.builder, topic, partition=lane)
        return _Sent(batch, acknowledged)


def _first_error(acknowledged: Iterable[asyncio.Future[Any]]) -> BaseException | None:
    """Give why what was sent has failed, or None where none of it has."""
    failed = (one for one in acknowledged if one.done() and not one.cancelled())
    return next((error for one in failed if (error := one.exception())), None)


def _forget(acknowledged: asyncio.Future[Any]) -> None:
    """Wait for it no more; asyncio would tell of an error that nobody has asked for."""
    if not acknowledged.cancel() and not acknowledged.cancelled():
        acknowledged.exception()
