"""The task that publishes: entries in hand until their Kafka transaction has committed."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

import structlog
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, ProducerFenced

from producers.hand import Hand
from producers.published_end import PublishedEnd
from schemas import steps
from schemas.journal import IsOurs, JournalEntry, Marks, Superseded

log = structlog.get_logger()

RETRY_SECONDS_MAX = 5.0
CANCEL_SECONDS = 1.0  # then a task that has not ended is cancelled again
CONFIRM_SECONDS = 5.0  # without a publish for a lane, then what was published is looked at once

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
        self._hand = Hand()
        self._is_doubtful = False  # a look has failed, and may have aborted what it did not see
        self._tasks: list[asyncio.Task[None]] = []
        self.failure: BaseException | None = None

    @property
    def pending(self) -> int:
        """Give the number of entries that are committed and not yet published."""
        return len(self._hand)

    async def open(
        self, lanes: Mapping[int, Marks], before: Collection[str], is_ours: IsOurs
    ) -> None:
        """Take lanes over from whoever published for them before. Raises KafkaError, Superseded."""
        if not self._tasks:
            await self.end.start(is_ours)
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
        self._hand.put(entries)

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
            lanes = await self._hand.lanes()
            if self.failure is not None:
                return  # what comes after what is missing is for the next owner
            with self._hand.alone_with(lanes):
                await self._publish_or_recover(lanes)

    async def _confirm_all(self) -> None:
        """See once, when a lane's burst is over, that what was acknowledged can be read.

        A broker that is killed right after it has acknowledged a commit may come back without
        it, and nobody would notice until the lane's next outcome.
        """
        while True:
            await asyncio.sleep(CONFIRM_SECONDS)
            with self._hand.alone_with(self.end.quiet_for(CONFIRM_SECONDS)) as quiet:
                try:
                    await self.end.look(quiet)
                except ProducerFenced:
                    raise
                except OUTAGES as error:
                    log.warning("publish.unconfirmed", lanes=sorted(quiet), error=repr(error))
                    self._is_doubtful = True

    async def _publish_or_recover(self, lanes: set[int]) -> None:
        try:
            if self._is_doubtful:
                await self._recover()
            else:
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
        entries = self._hand.first(lanes)
        began = time.monotonic()
        await self.end.publish(entries)
        self._hand.drop(entries)
        steps.done("noted", len(entries))
        self._on_published(len(entries), time.monotonic() - began)
        self._on_change()

    async def _recover(self) -> None:
        """Make the producer anew, as often as it takes, and drop what was published after all."""
        failures = 0
        while True:
            try:
                await self.end.take_again(self._is_ours)
                self._is_doubtful = False
                break
            except OUTAGES as error:
                failures += 1
                seconds = min(0.1 * 2**failures, RETRY_SECONDS_MAX)
                log.warning("publish.waits", error=repr(error), seconds=seconds)
                await asyncio.sleep(seconds)
        self._hand.drop_published(self.end.marks)
        log.info("publish.recovered", pending=self.pending)
        self._on_change()

    def _fail(self, failure: BaseException) -> None:
        self.failure = self.failure or failure
        self._on_change()


async def _nobody_knows() -> None:
    """Answer before the first take-over."""
