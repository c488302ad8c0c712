"""The task that publishes: entries in hand until their Kafka transaction has committed."""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice

import structlog
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, ProducerFenced

from producers.published_end import PublishedEnd
from schemas import steps
from schemas.journal import IsOurs, JournalEntry, Marks, Superseded

log = structlog.get_logger()

RETRY_SECONDS_MAX = 5.0
CANCEL_SECONDS = 1.0  # then a task that has not ended is cancelled again
CONFIRM_SECONDS = 5.0  # without a publish for a lane, then what was published is looked at once
ENTRIES_PER_TRANSACTION_MAX = 10_000

OUTAGES = (KafkaError, TimeoutError, OSError)


class Publishing:
    """Publishes the entries of all our lanes, those of a lane in order, each exactly once.

    A transaction has all that is in hand, of all lanes. When it fails or takes too long, the
    producer is thrown away and made anew: that fences the old one, then the topics themselves say
    what is published, and what comes after it is published. Nothing is lost, nothing doubled.
    """

    def __init__(
        self,
        end: PublishedEnd,
        *,
        on_published: Callable[[int, float], None],
        on_change: Callable[[], None],
    ) -> None:
        self.end = end
        self._is_ours: IsOurs = _nobody_knows
        self._on_published = on_published
        self._on_change = on_change
        self._in_hand: defaultdict[int, deque[JournalEntry]] = defaultdict(deque)  # by lane
        self._busy: set[int] = set()  # of lanes that are published, or looked at
        self._wake = asyncio.Event()  # entries have come, or lanes are free again
        self._tasks: list[asyncio.Task[None]] = []
        self.failure: BaseException | None = None

    @property
    def pending(self) -> int:
        """Give the number of entries that are committed and not yet published."""
        return sum(map(len, self._in_hand.values()))

    async def open(self, lanes: Mapping[int, Marks], before: Collection[str]) -> None:
        """Take lanes over from whoever published for them before. Raises KafkaError."""
        if not self._tasks:
            await self.end.start()
        await self.end.take(lanes, before)

    def begin(self, is_ours: IsOurs) -> None:
        """Publish what is put from now on, after what is published."""
        self._is_ours = is_ours
        self._tasks = self._tasks or [
            asyncio.create_task(self._until_failure(run), name="publish")
            for run in (self._publish_all, self._confirm_all)
        ]

    def put(self, entries: Sequence[JournalEntry]) -> None:
        """Take committed entries over."""
        for entry in entries:
            self._in_hand[entry.lane].append(entry)
        self._wake.set()

    async def close(self) -> None:
        """Stop publishing: what is in hand is in the journal, and the next owner publishes it."""
        while left := [task for task in self._tasks if not task.done()]:
            for task in left:
                task.cancel()
            # aiokafka passes a cancellation over while it waits for a task of its own, say in the
            # stop of a reader: then whoever is at it goes on, and would be waited for for ever.
            await asyncio.wait(left, timeout=CANCEL_SECONDS)
        await self.end.discard()

    async def _until_failure(self, run: Callable[[], Awaitable[None]]) -> None:
        try:
            await run()
        except (ProducerFenced, Superseded) as error:
            self._fail(Superseded(f"our lanes have another publisher: {error}"))
        except Exception as error:  # Unpublished, or a bug: it must not end this task only
            self._fail(error)

    async def _publish_all(self) -> None:
        while True:
            while not (lanes := {one for one, some in self._in_hand.items() if some} - self._busy):
                self._wake.clear()
                await self._wake.wait()
            with self._alone_with(lanes):
                await self._publish_or_recover(lanes)

    @contextmanager
    def _alone_with(self, lanes: set[int]) -> Iterator[set[int]]:
        self._busy |= lanes
        try:
            yield lanes
        finally:
            self._busy -= lanes
            self._wake.set()

    async def _confirm_all(self) -> None:
        """See once, when a lane's burst is over, that what was acknowledged can be read.

        A broker that is killed right after it has acknowledged a commit may come back without
        it, and nobody would notice until the lane's next outcome.
        """
        while True:
            await asyncio.sleep(CONFIRM_SECONDS)
            with self._alone_with(self.end.quiet_for(CONFIRM_SECONDS) - self._busy) as quiet:
                try:
                    await self.end.look(quiet)
                except ProducerFenced:
                    raise
                except OUTAGES as error:
                    log.warning("publish.unconfirmed", lanes=sorted(quiet), error=repr(error))

    async def _publish_or_recover(self, lanes: set[int]) -> None:
        try:
            await self._publish(lanes)
        except ProducerFenced:
            raise
        except MessageSizeTooLargeError:
            log.error("publish.refused", fix="raise the topic's max.message.bytes")
            await asyncio.sleep(RETRY_SECONDS_MAX)
            await self._recover()
        except OUTAGES as error:
            log.warning("publish.failed", lanes=sorted(lanes), error=repr(error))
            await self._recover()

    async def _publish(self, lanes: set[int]) -> None:
        each_max = ENTRIES_PER_TRANSACTION_MAX // len(lanes)
        entries = [entry for lane in lanes for entry in islice(self._in_hand[lane], each_max)]
        began = time.monotonic()
        await self.end.publish(entries)
        for entry in entries:
            self._in_hand[entry.lane].popleft()
        steps.done("noted", len(entries))
        self._on_published(len(entries), time.monotonic() - began)
        self._on_change()

    async def _recover(self) -> None:
        """Make the producer anew, as often as it takes, and drop what was published after all."""
        failures = 0
        while True:
            try:
                await self.end.take_again(self._is_ours)
                break
            except OUTAGES as error:
                failures += 1
                seconds = min(0.1 * 2**failures, RETRY_SECONDS_MAX)
                log.warning("publish.waits", error=repr(error), seconds=seconds)
                await asyncio.sleep(seconds)
        for lane, in_hand in self._in_hand.items():
            marks = self.end.marks[lane]
            self._in_hand[lane] = deque(e for e in in_hand if e.sequence > marks[e.stream].sequence)
        log.info("publish.recovered", pending=self.pending)
        self._on_change()

    def _fail(self, failure: BaseException) -> None:
        self.failure = self.failure or failure
        self._on_change()


async def _nobody_knows() -> None:
    """Answer before the first take-over."""
