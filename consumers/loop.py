"""The loop: poll, apply in one transaction, hand over to the publisher; and whose lanes they are.

The guards are in Postgres (epochs) and in Kafka (transactional ids). What is done here about
rebalances is for speed only: an error in it costs time, never a unit.
"""

import asyncio
import time
from collections.abc import Callable, Iterable

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.errors import OffsetOutOfRangeError
from aiokafka.structs import TopicPartition
from asyncpg import Pool

from consumers.batch_log import BatchLog
from consumers.batch_size import BatchSize
from consumers.dead_letter_limit import Place, Seen, after
from consumers.dead_letter_memory import seen_before
from consumers.faults import DATABASE_ERRORS, SAVING_ERRORS, Remedy, fault_of, stop_because_of
from consumers.lanes import take_over
from consumers.loop_settings import LoopSettings
from consumers.offset_mirror import OffsetMirror
from consumers.outage import Outage
from consumers.pieces import Piece, Pieces
from consumers.poller import POLL_MS, Poller
from consumers.publishing import Publisher, note_published
from consumers.records import Records, read_batch
from consumers.retrying import apply_with_retries
from consumers.sweeps import add_sweeps, holds_per_lane
from consumers.tracing import Tracing
from consumers.transaction import Applied
from db.lanes import Lane
from schemas import steps

log = structlog.get_logger()


class Loop(ConsumerRebalanceListener):  # type: ignore[misc]
    """One consumer of all input topics, and the lanes that it owns."""

    def __init__(
        self,
        settings: LoopSettings,
        pool: Pool,
        consumer: AIOKafkaConsumer,
        publisher: Publisher,
        on_applied: Callable[[Applied], None],
        tracing: Tracing | None = None,
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._consumer = consumer
        self._publisher = publisher
        self._on_applied = on_applied
        self._tracing = tracing
        self._mirror = OffsetMirror(consumer)
        self._log = BatchLog(settings.ticks_topic)
        self.poller = Poller(consumer)
        self._turn = asyncio.Lock()  # held while lanes are used, never while waiting for records
        self._seen: dict[Place, Seen] = {}  # the last dead letters, for their limit
        self._sweeps: set[int] = set()  # lanes that shall expire holds without a new tick
        self._generation = 0  # grows whenever Kafka gives lanes or takes them away
        self.is_assigned = False  # Kafka has given us our share, be it none
        self._untaken = False  # lanes are to be taken over: for the first time, or once more
        self.lanes: dict[int, Lane] = {}
        self.turned_at = time.monotonic()  # when the loop last came round, for /livez
        self._batch_size = BatchSize(settings.batch_size_max)
        self._pieces = Pieces(settings.topics, settings.ticks_topic)
        self._outage = Outage(settings.retry_seconds_max)
        self._applied = 0  # records in this turn, but ticks

    @property
    def is_settled(self) -> bool:
        """Tell whether Kafka has given us our share of lanes, be it none, and we own it."""
        return self.is_assigned and not self._untaken

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set; then the batch in hand is committed and handed over.

        Raises Superseded when a lane went to another process, and KafkaError: leave the group
        and join it again. Raises LostRecords, TooManyDeadLetters and PermanentFault: do not.
        """
        self._consumer.subscribe(list(self._settings.topics), listener=self)
        while not stop.is_set():
            self._note_life()
            try:
                await self._turn_once()
                self._outage.is_over()
                self._batch_size.grow(self._applied)
            except DATABASE_ERRORS as error:
                if fault_of(error).remedy is not Remedy.WAIT:
                    stop_because_of(error)
                if not self._untaken:  # it was a batch that failed, and may have been too large
                    self._batch_size.halve()
                self._untaken = True  # only the database knows what of the batch it has
                await self._pool.expire_connections()  # the address may be another server's now
                await self._outage.wait_out(error, stop)

    async def _turn_once(self) -> None:
        if not await self._publisher.room(POLL_MS / 1000):
            return
        self._applied = 0
        async with self._turn:
            await self._take_over()
        piece = self._pieces.next() if self._pieces else Piece(await self._poll())
        async with self._turn:
            await self._apply(piece)

    async def _take_over(self) -> None:
        if not self._untaken or not self.is_assigned:
            return
        generation = self._generation
        self._pieces.forget()
        lanes = await take_over(
            self._pool,
            self._publisher,
            self._consumer,
            self._settings,
            self.lanes,
            self._note_life,
        )
        seen = await seen_before(self._pool, lanes.values())
        if generation != self._generation:  # Kafka took them away meanwhile
            await self._publisher.close(0)
            return
        self._seen = seen
        self.lanes, self._untaken = lanes, False
        self._sweeps = set(lanes)  # what fell due while nobody owned the lane

    def _note_life(self) -> None:
        self.turned_at = time.monotonic()

    async def _poll(self) -> Records:
        # Without lanes to sweep it has to wait: to come back at once lets nothing else run.
        wait_ms = 0 if self._sweeps & self.lanes.keys() else POLL_MS
        try:
            return await self.poller.poll(self._batch_size.records, wait_ms)
        except OffsetOutOfRangeError:
            self._untaken = True  # a take-over tells lost ticks from lost events
            return {}

    async def _apply(self, piece: Piece) -> None:
        if self._untaken or not self.lanes or not (piece.records or self._sweeps):
            return
        lanes = self.lanes
        batch = read_batch(piece.records, lanes, self._settings.topics, piece.refusal)
        seen = after(self._seen, batch, self._settings.dead_letters)
        steps.done("polled", len(batch.arrivals))
        sweeps = set() if self._pieces else self._sweeps  # after all that came before them
        add_sweeps(batch, sweeps & self.lanes.keys(), self._settings.ticks_topic)
        note_published(lanes.values(), self._publisher)
        limit = holds_per_lane(self._settings.expiry_batch_max, batch)
        try:
            applied = await apply_with_retries(
                self._pool, batch, lanes, expiry_batch_max=limit, tracing=self._tracing
            )
        except SAVING_ERRORS as error:
            if fault_of(error).remedy is not Remedy.BISECT:
                raise
            self._pieces.put_back(piece, error)
            return
        self._log.tell(batch, applied)
        if self.lanes is not lanes:
            return  # Kafka took them away meanwhile: the next owner publishes what was committed
        self.lanes = applied.lanes
        self._applied = batch.size_without(self._settings.ticks_topic)
        self._sweeps = self._sweeps - sweeps | applied.lanes_with_more_due
        self._seen = seen
        self._publisher.put(applied.entries)
        steps.done("handed_over", len(applied.entries))
        self._mirror.note(self.lanes.values())
        self._on_applied(applied)

    # Kafka calls these two from its own task, while the loop goes on; it hides what they raise.

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Hold all records back until the lanes are taken over."""
        self._consumer.pause(*assigned)  # first and without an await: else records come already
        self._generation += 1
        self.is_assigned = self._untaken = True

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Finish the batch in hand, publish it, and let the lanes go."""
        if not self.is_assigned:
            return
        try:
            async with asyncio.timeout(self._settings.revoke_seconds_max):
                await self._turn.acquire()
            self._turn.release()
        except TimeoutError:
            log.warning("lanes.revoked_in_mid_batch", lanes=sorted(self.lanes))
        self._generation += 1
        self.is_assigned = False
        log.info("lanes.revoked", lanes=sorted(self.lanes))
        self.lanes, self._sweeps = {}, set()
        await self._publisher.close(self._settings.revoke_seconds_max)
