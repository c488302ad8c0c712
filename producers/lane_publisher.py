"""One lane's publishing: entries in hand until their Kafka transaction has committed."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

import structlog
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, ProducerFenced

from producers.kafka import Kafka
from producers.lane_producer import LaneProducer
from producers.tail import read_tails
from schemas import steps
from schemas.journal import IsOurs, JournalEntry, Mark, Superseded, Unpublished
from schemas.vocabulary import Stream

log = structlog.get_logger()

RETRY_SECONDS_MAX = 5.0
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
        self._kafka = kafka
        self._is_ours = is_ours
        self._publish_seconds_max = publish_seconds_max
        self._on_published = on_published
        self._on_change = on_change
        self._producer = LaneProducer(kafka, lane)
        self._in_hand: deque[JournalEntry] = deque()
        self._wake = asyncio.Event()
        self._unconfirmed = False  # acknowledged, and not yet seen in the topic
        self._task: asyncio.Task[None] | None = None
        self.published: dict[Stream, Mark] = {}
        self.put_sequences: dict[Stream, int] = {}
        self.failure: BaseException | None = None

    @property
    def pending(self) -> int:
        """Give the number of entries that are committed and not yet published."""
        return len(self._in_hand)

    async def take_over(self) -> None:
        """Fence whoever published this lane before. Raises KafkaError or TimeoutError."""
        async with asyncio.timeout(self._publish_seconds_max):
            await self._producer.start()

    def begin(self, published: Mapping[Stream, Mark]) -> None:
        """Begin to publish what is put, after what is published."""
        self.published = dict(published)
        self.put_sequences = {stream: mark.sequence for stream, mark in published.items()}
        self._task = asyncio.create_task(self._run(), name=f"publish-lane-{self._lane}")

    async def probe(self) -> None:
        """Make readable what a killed broker has committed and hidden. Raises KafkaError."""
        log.warning("publish.probed", lane=self._lane)
        await self._producer.probe()

    def put(self, entry: JournalEntry) -> None:
        """Take a committed entry over."""
        self._in_hand.append(entry)
        self.put_sequences[entry.stream] = entry.sequence
        self._wake.set()

    async def close(self) -> None:
        """Stop publishing: what is in hand is in the journal, and the next owner publishes it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._producer.discard()

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
            async with asyncio.timeout(CONFIRM_SECONDS if self._unconfirmed else None):
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
            await self._look()
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
        async with asyncio.timeout(self._publish_seconds_max):
            published = await self._producer.publish(_by_stream(entries))
        self._refuse_topic_made_anew(published)
        for _ in entries:
            self._in_hand.popleft()
        self.published.update(published)
        self._unconfirmed = True
        steps.done("noted", len(entries))
        self._on_published(len(entries), time.monotonic() - began)
        self._on_change()

    def _refuse_topic_made_anew(self, published: Mapping[Stream, Mark]) -> None:
        """Raise Unpublished where what was published last went in before what came earlier."""
        for stream, mark in published.items():
            if mark.offset <= (last := self.published[stream]).offset:
                raise Unpublished(
                    f"lane {self._lane} has {stream} {mark.sequence} before offset {mark.offset},"
                    f" and {last.sequence} was before {last.offset}: the topic was made anew"
                )

    async def _recover(self) -> None:
        """Take the own lane over: only the topic knows what of the last attempt it has."""
        failures = 0
        while True:
            try:
                await self._discard_and_take_over()
                break
            except OUTAGES as error:
                failures += 1
                seconds = min(0.1 * 2**failures, RETRY_SECONDS_MAX)
                log.warning("publish.waits", lane=self._lane, error=repr(error), seconds=seconds)
                await asyncio.sleep(seconds)
        self._in_hand = deque(
            entry
            for entry in self._in_hand
            if entry.sequence > self.published[entry.stream].sequence
        )
        log.info("publish.recovered", lane=self._lane, pending=self.pending)
        self._on_change()

    async def _discard_and_take_over(self) -> None:
        await self._producer.discard()
        await self._refuse_unless_ours()
        self._producer = LaneProducer(self._kafka, self._lane)
        await self.take_over()
        await self._look()

    async def _refuse_unless_ours(self) -> None:
        """Raise Superseded where the lane is another's: a new producer would fence that owner's.

        A process that was frozen comes back in the middle of a publish, and its time is over.
        """
        async with asyncio.timeout(self._publish_seconds_max):
            is_ours = await self._is_ours(self._lane)
        if is_ours is None:
            raise TimeoutError("nobody can say whose the lane is")
        if not is_ours:
            raise Superseded("it was taken over")

    async def _look(self) -> None:
        """Read the published end. Raises Unpublished where it is before what was acknowledged."""
        async with asyncio.timeout(self._publish_seconds_max):
            tails = await read_tails(
                self._kafka, {self._lane: self.published}, lambda _: self.probe()
            )
        for stream, mark in tails[self._lane].items():
            if mark.sequence < (acknowledged := self.published[stream].sequence):
                raise Unpublished(
                    f"lane {self._lane} has {stream} up to {mark.sequence}, and"
                    f" {acknowledged} was acknowledged"
                )
        self.published = dict(tails[self._lane])
        self._unconfirmed = False

    def _fail(self, failure: BaseException) -> None:
        self.failure = failure
        self._on_change()


def _by_stream(entries: Iterable[JournalEntry]) -> Sequence[JournalEntry]:
    """Put the entries of a stream together; within a stream they keep their order."""
    return sorted(entries, key=lambda entry: entry.stream)
