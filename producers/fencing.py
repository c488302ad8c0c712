"""Those who published before: shut out in Kafka, and what they left open ended."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Collection, Iterable
from contextlib import asynccontextmanager
from typing import Final

import structlog
from aiokafka.errors import ProducerFenced

from producers.kafka import Kafka
from producers.transactional_producer import TransactionalProducer

log = structlog.get_logger()

AT_ONCE: Final = 16  # who died often has left many
TRIES: Final = 3  # then whoever waits for a lane to settle comes again


class Fenced:
    """Producers under the transactional ids of others: while these stand, those publish nothing.

    Another new owner may fence the same id, for other lanes: that does no harm to either.
    """

    def __init__(self, kafka: Kafka, transactional_ids: Collection[str]) -> None:
        self._kafka = kafka
        self._producers: dict[str, TransactionalProducer] = {
            each: TransactionalProducer(kafka, each) for each in transactional_ids
        }

    @classmethod
    @asynccontextmanager
    async def all(cls, kafka: Kafka, transactional_ids: Collection[str]) -> AsyncIterator["Fenced"]:
        """Fence all who published under these ids, some at a time. Raises KafkaError."""
        fenced = cls(kafka, transactional_ids)
        turns = asyncio.Semaphore(AT_ONCE)
        try:
            await _all_or_error(_start(one, turns) for one in fenced._producers.values())
            yield fenced
        finally:
            await asyncio.gather(*(one.discard() for one in fenced._producers.values()))

    async def probe(self, lane: int) -> None:
        """Make readable what a killed broker has committed and hidden, whoever of them it was."""
        log.warning("publish.probed", lane=lane, of=sorted(self._producers))
        for transactional_id in self._producers:
            await self._probe_as(transactional_id, lane)

    async def _probe_as(self, transactional_id: str, lane: int) -> None:
        for _ in range(TRIES):
            try:
                return await self._producers[transactional_id].probe(lane)
            except ProducerFenced:  # by another new owner, which may need a moment for its own
                await self._producers[transactional_id].discard()
                producer = TransactionalProducer(self._kafka, transactional_id)
                self._producers[transactional_id] = producer
                await producer.start()
        return None


async def _start(producer: TransactionalProducer, turns: asyncio.Semaphore) -> None:
    async with turns:
        await producer.start()


async def _all_or_error(awaitables: Iterable[Awaitable[None]]) -> None:
    """Wait for all, so that none goes on by itself, then raise the first error."""
    for result in await asyncio.gather(*awaitables, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
