"""One lane's publishing: entries in hand until their Kafka transaction has committed."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice

import structlog
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, ProducerFenced

from producers.kafka import Kafka
from producers.lane_end import LaneEnd
from schemas import steps
from schemas.journal import IsOurs, JournalEntry, Mark, Superseded
from schemas.vocabulary import Stream

log = structlog.get_logger()

RETRY_SECONDS_MAX = 5.0
CANCEL_SECONDS = 1.0  # then a task that has not ended is cancelled again
CONFIRM_SECONDS = 5.0  # without a publish, then what was published is looked at once
ENTRIES_PER_TRANSACTION_MAX = 10_000

OUTAGES = (KafkaError, TimeoutError, OSError)


class LanePublisher:
    """Publishes a lane's entries in order, each exactly once.

    When a transaction fails or takes too long, its producer is thrown away and a new one takes
    the lane over: that fences the old one, then the topic itself says what is published, and
    what comes after it is published. Nothing is lost, nothing is there twice.
    """

    def __init__(
        self,
        lane: int,
        kafka: Kafka,
        *,
        is_ours: IsOurs,
        publish_seconds_max: float,
        on_published: Callable[[int, float], None],
        on_change: Callable[[], None],
    ) -> None:
        self._lane = lane
        self.end = LaneEnd(lane, kafka, is_ours=is_ours, publish_seconds_max=publish_seconds_max)
        self._on_published = on_published
        self._on_change = on_change
        self._in_hand: deque[JournalEntry] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.put_sequences: dict[Stream, int] = {}
        self.failure: BaseException | None = None

    @property
    def pending(self) -> int:
        """Give the number of entries that are committed and not yet published."""
        return len(self._in_hand)

    def begin(self, published: Mapping[Stream, Mark]) -> None:
        """Begin to publish what is put, after what is published."""
        self.end.marks = dict(published)
        self.put_sequences = {stream: mark.sequence for stream, mark in published.items()}
        self._task = asyncio.create_task(self._run(), name=f"publish-lane-{self._lane}")

    def put(self, entry: JournalEntry) -> None:
        """Take a committed entry over."""
        self._in_hand.append(entry)
        self.put_sequences[entry.stream] = entry.sequence
        self._wake.set()

    async def close(self) -> None:
        """Stop publishing: what is in hand is in the journal, and the next owner publishes it."""
        while self._task is not None and not self._task.done():
            self._task.cancel()
            # aiokafka passes a cancellation over while it waits for a task of its own, say in the
            # stop of a reader: then whoever is at it goes on, and would be waited for for ever.
            await asyncio.wait({self._task}, timeout=CANCEL_SECONDS)
        await self.end.discard()

    async def _run(self) -> None:
        try:
            while True:
                if await self._is_woken():
                    while self._in_hand:
                        await self._publish_or_recover()
                else:
                    await self._confirm()
        except (ProducerFenced, Superseded) as error:
            self._fail(Superseded(f"lane {self._lane} has another publisher: {error}"))
        except Exception as error:  # Unpublished, or a bug: it must not end this task only
            self._fail(error)

    async def _is_woken(self) -> bool:
        """Wait for entries; False when all has been quiet and the last ones are not confirmed."""
        try:
            async with asyncio.timeout(CONFIRM_SECONDS if self.end.is_unconfirmed else None):
                await self._wake.wait()
        except TimeoutError:
            return False
        self._wake.clear()
        return True

    async def _confirm(self) -> None:
        """See once, when a burst is over, that what was acknowledged can be read.

        A broker that is killed right after it has acknowledged a commit may come back without
        it, and nobody would notice until the lane's next outcome.
        """
        try:
            await self.end.look()
        except ProducerFenced:
            raise
        except OUTAGES as error:
            log.warning("publish.unconfirmed", lane=self._lane, error=repr(error))

    async def _publish_or_recover(self) -> None:
        try:
            await self._publish()
        except ProducerFenced:
            raise
        except MessageSizeTooLargeError:
            log.error("publish.refused", lane=self._lane, fix="raise the topic's max.message.bytes")
            await asyncio.sleep(RETRY_SECONDS_MAX)
            await self._recover()
        except OUTAGES as error:
            log.warning("publish.failed", lane=self._lane, error=repr(error))
            await self._recover()

    async def _publish(self) -> None:
        entries = list(islice(self._in_hand, ENTRIES_PER_TRANSACTION_MAX))
        began = time.monotonic()
        await self.end.publish(entries)
        for _ in entries:
            self._in_hand.popleft()
        steps.done("noted", len(entries))
        self._on_published(len(entries), time.monotonic() - began)
        self._on_change()

    async def _recover(self) -> None:
        """Take the own lane over, as often as it takes, and drop what was published after all."""
        failures = 0
        while True:
            try:
                await self.end.take_again()
                break
            except OUTAGES as error:
                failures += 1
                seconds = min(0.1 * 2**failures, RETRY_SECONDS_MAX)
                log.warning("publish.waits", lane=self._lane, error=repr(error), seconds=seconds)
                await asyncio.sleep(seconds)
        self._in_hand = deque(
            entry
            for entry in self._in_hand
            if entry.sequence > self.end.marks[entry.stream].sequence
        )
        log.info("publish.recovered", lane=self._lane, pending=self.pending)
        self._on_change()

    def _fail(self, failure: BaseException) -> None:
        self.failure = failure
        self._on_change()
