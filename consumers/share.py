"""Our share of the lanes: what Kafka assigns, what is taken over of it, and what is given up.

The guards are in Postgres (epochs) and in Kafka (transactional ids). What is done here about
rebalances is for speed only: an error in it costs time, never a unit.
"""

import asyncio
from collections.abc import Callable, Iterable

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.structs import TopicPartition
from asyncpg import Pool

from consumers.ahead import Ahead
from consumers.dead_letter_limit import Place, Seen
from consumers.dead_letter_memory import seen_before
from consumers.lanes import take_over
from consumers.loop_settings import LoopSettings
from consumers.publishing import Publisher
from db.lanes import Lane
from schemas.journal import Superseded

log = structlog.get_logger()


class Share(ConsumerRebalanceListener):  # type: ignore[misc]
    """The lanes that this process owns, and what it knows of them."""

    def __init__(
        self,
        settings: LoopSettings,
        pool: Pool,
        consumer: AIOKafkaConsumer,
        publisher: Publisher,
        ahead: Ahead,
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._consumer = consumer
        self._publisher = publisher
        self._ahead = ahead
        self._generation = 0  # grows whenever Kafka gives lanes or takes them away
        self.turn = asyncio.Lock()  # held while lanes are used, never while waiting for records
        self.lanes: dict[int, Lane] = {}
        self.seen: dict[Place, Seen] = {}  # the last dead letters, for their limit
        self.sweeps: set[int] = set()  # lanes that shall expire holds without a new tick
        self.is_assigned = False  # Kafka has given us our share, be it none
        self.is_untaken = False  # lanes are to be taken over: for the first time, or once more

    @property
    def is_settled(self) -> bool:
        """Tell whether Kafka has given us our share of lanes, be it none, and we own it."""
        return self.is_assigned and not self.is_untaken

    async def settle(self, on_wait: Callable[[], None]) -> None:
        """Take over what is assigned, if it is not taken yet. `take_over` says what it raises."""
        if self.is_untaken and self.is_assigned:
            async with self._ahead.held(), self.turn:
                await self._take_over(on_wait)

    async def _take_over(self, on_wait: Callable[[], None]) -> None:
        if not self.is_assigned:
            return
        generation = self._generation
        try:
            lanes = await take_over(
                self._pool, self._publisher, self._consumer, self._settings, self.lanes, on_wait
            )
        except Superseded:
            if generation == self._generation:
                raise
            return  # Kafka took them away meanwhile, and that closed the publisher
        seen = await seen_before(self._pool, lanes.values())
        if generation != self._generation:  # Kafka took them away meanwhile
            await self._publisher.close(0)
            return
        self.seen = seen
        self.lanes, self.is_untaken = lanes, False
        self.sweeps = set(lanes)  # what fell due while nobody owned the lane

    # Kafka calls these two from its own task, while the loop goes on; it hides what they raise.

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Hold all records back until the lanes are taken over."""
        self._consumer.pause(*assigned)  # first and without an await: else records come already
        self._generation += 1
        self.is_assigned = self.is_untaken = True

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Finish the batch in hand, publish it, and let the lanes go."""
        if not self.is_assigned:
            return
        try:
            async with asyncio.timeout(self._settings.revoke_seconds_max):
                await self.turn.acquire()
            self.turn.release()
        except TimeoutError:
            log.warning("lanes.revoked_in_mid_batch", lanes=sorted(self.lanes))
        self._generation += 1
        self.is_assigned = False
        self._ahead.forget()
        log.info("lanes.revoked", lanes=sorted(self.lanes))
        self.lanes, self.sweeps = {}, set()
        await self._publisher.close(self._settings.revoke_seconds_max)
