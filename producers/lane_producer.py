"""The transactional producer of one lane. It commits; on any error it is thrown away."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from producers.cloudevents import headers_of
from producers.kafka import Kafka
from schemas import steps
from schemas.journal import JournalEntry, Mark
from schemas.vocabulary import Stream

DISCARD_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Sent:
    """A batch on its way: the sequence of its last entry, and how many it has."""

    stream: Stream
    sequence: int
    count: int
    acknowledged: asyncio.Future[Any]

    async def offset_after(self) -> int:
        return int((await self.acknowledged).offset) + self.count


class LaneProducer:
    """Publishes a lane's entries, each call in one Kafka transaction."""

    def __init__(self, kafka: Kafka, lane: int) -> None:
        self._producer = kafka.new_producer(lane)
        self._topics = kafka.topics
        self._lane = lane

    async def start(self) -> None:
        """Become the lane's only producer: an earlier one is fenced, what it left open is aborted.

        Source: Kafka's documentation of KafkaProducer, initTransactions.
        """
        try:
            await self._producer.start()
        except BaseException:
            await self.discard()
            raise

    async def publish(self, entries: Sequence[JournalEntry]) -> dict[Stream, Mark]:
        """Publish entries of one lane, all or none, and give the new published ends.

        Raises KafkaError; then nothing is known, and the producer is of no further use.
        """
        await self._producer.begin_transaction()
        steps.done("begun", len(entries))
        sent: list[_Sent] = []
        try:
            for _, run in groupby(entries, key=lambda entry: entry.stream):
                await self._send(list(run), sent)
            # Acknowledged first: a commit with a refused batch would publish the others alone.
            ends = {one.stream: Mark(one.sequence, await one.offset_after()) for one in sent}
            steps.done("sent", len(entries))
            await self._producer.commit_transaction()
            steps.done("published", len(entries))
            return ends
        finally:
            for one in sent:
                one.acknowledged.cancel()

    async def probe(self) -> None:
        """Bring markers of this producer into the lane's partitions, without a readable record."""
        await self._producer.begin_transaction()
        for topic in self._topics.values():
            await self._producer.send(topic, b"", partition=self._lane)
        await self._producer.abort_transaction()

    async def discard(self) -> None:
        """Throw the producer away, for at most some seconds: its stop may wait for a broker."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(DISCARD_SECONDS):
                await self._producer.stop()

    async def _send(self, entries: Sequence[JournalEntry], sent: list[_Sent]) -> None:
        """Send entries of one stream in as few batches as they fit in."""
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
        return _Sent(last.stream, last.sequence, count, acknowledged)


def _append(batch: Any, entry: JournalEntry) -> bool:
    headers = headers_of(entry)
    added = batch.append(key=entry.key, value=entry.value, timestamp=None, headers=headers)
    return added is not None
