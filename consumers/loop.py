"""The loop: take what was polled, apply it in one transaction, hand over to the publisher."""

import asyncio
import time
from collections.abc import Callable

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import OffsetOutOfRangeError
from asyncpg import Pool

from consumers.ahead import READ_AHEAD, WAIT_SECONDS, Ahead
from consumers.batch_log import BatchLog
from consumers.batch_size import BatchSize
from consumers.dead_letter_limit import after
from consumers.faults import DATABASE_ERRORS, SAVING_ERRORS, Remedy, fault_of, stop_because_of
from consumers.loop_settings import LoopSettings
from consumers.offset_mirror import OffsetMirror
from consumers.outage import Outage
from consumers.pieces import Piece, Pieces
from consumers.poller import Poller
from consumers.publishing import Publisher, note_published
from consumers.record import Records
from consumers.records import read_batch
from consumers.retrying import apply_with_retries
from consumers.share import Share
from consumers.sweeps import add_sweeps, holds_per_lane
from consumers.tracing import Tracing
from consumers.transaction import Applied
from consumers.turns import decode
from schemas import steps

log = structlog.get_logger()


class Loop:
    """One consumer of all input topics, and its share of the lanes."""

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
        self.ahead = Ahead(self.poller, settings.batch_size_max)
        self.share = Share(settings, pool, consumer, publisher, self.ahead)
        self.turned_at = time.monotonic()  # when the loop last came round, for /livez
        self._batch_size = BatchSize(settings.batch_size_max)
        self._pieces = Pieces(settings.topics, settings.ticks_topic)
        self._outage = Outage(settings.retry_seconds_max)

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set; then the batch in hand is committed and handed over.

        Raises Superseded when a lane went to another process, Unpublished, TopicsChanged and
        KafkaError: leave the group and join it again. Raises LostRecords, TooManyDeadLetters and
        PermanentFault: do not.
        """
        self._consumer.subscribe(list(self._settings.topics), listener=self.share)
        reading = asyncio.create_task(self.ahead.run(), name=READ_AHEAD)
        try:
            await self._keep_turning(stop)
        finally:
            reading.cancel()

    async def _keep_turning(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._note_life()
            try:
                self._batch_size.grow(await self._turn_once())
                self._outage.is_over()
            except DATABASE_ERRORS as error:
                if fault_of(error).remedy is not Remedy.WAIT:
                    stop_because_of(error)
                if not self.share.is_untaken:  # a batch has failed, and may have been too large
                    self._batch_size.halve()
                self.share.is_untaken = True  # only the database knows what of the batch it has
                await self._pool.expire_connections()  # the address may be another server's now
                await self._outage.wait_out(error, stop)

    async def _turn_once(self) -> int:
        """Apply what is there, if there is room for outcomes; give how many records, but ticks."""
        if not await self._publisher.room(WAIT_SECONDS):
            return 0
        if self.share.is_untaken:
            self._pieces.forget()
            await self.share.settle(self._note_life)
        piece = self._pieces.next() if self._pieces else Piece(await self._take())
        if not piece.refusal:
            await decode(piece.records)
        async with self.share.turn:
            return await self._apply(piece)

    def _note_life(self) -> None:
        self.turned_at = time.monotonic()

    async def _take(self) -> Records:
        # Without lanes to sweep it has to wait: to come back at once lets nothing else run.
        wait_seconds = 0 if self.share.sweeps & self.share.lanes.keys() else WAIT_SECONDS
        try:
            return await self.ahead.take(self._batch_size.records, wait_seconds)
        except OffsetOutOfRangeError:
            self.share.is_untaken = True  # a take-over tells lost ticks from lost events
            return {}

    async def _apply(self, piece: Piece) -> int:
        """Apply a piece; give how many records that were, but ticks."""
        share = self.share
        if share.is_untaken or not share.lanes or not (piece.records or share.sweeps):
            return 0
        lanes = share.lanes
        batch = read_batch(piece.records, lanes, self._settings.topics, piece.refusal)
        seen = after(share.seen, batch, self._settings.dead_letters)
        steps.done("polled", len(batch.arrivals))
        sweeps = set() if self._pieces else share.sweeps  # after all that came before them
        add_sweeps(batch, sweeps & share.lanes.keys(), self._settings.ticks_topic)
        note_published(lanes.values(), self._publisher)
        limit = holds_per_lane(self._settings.expiry_batch_max, batch)
        try:
            applied = await apply_with_retries(
                self._pool,
                batch,
                lanes,
                expiry_batch_max=limit,
                tracing=self._tracing,
                on_saving=self.ahead.decode_meanwhile,
            )
        except SAVING_ERRORS as error:
            if fault_of(error).remedy is not Remedy.BISECT:
                raise
            self._pieces.put_back(piece, error)
            return 0
        self._log.tell(batch, applied)
        if share.lanes is not lanes:
            return 0  # Kafka took them away meanwhile: the next owner publishes what was committed
        share.lanes = applied.lanes
        share.sweeps = share.sweeps - sweeps | applied.lanes_with_more_due
        share.seen = seen
        self._publisher.put(applied.entries)
        steps.done("handed_over", len(applied.entries))
        self._mirror.note(share.lanes.values())
        self._on_applied(applied)
        return batch.size_without(self._settings.ticks_topic)
