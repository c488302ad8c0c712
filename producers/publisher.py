"""Outcomes and dead letters out, while work goes on: for all lanes of a process."""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from uuid import uuid4

from aiokafka.errors import KafkaTimeoutError

from producers.batches import Place, place_of
from producers.kafka import Kafka
from producers.published_end import PublishedEnd
from producers.publishing import Publishing
from schemas.journal import IsOurs, JournalEntry, Mark, Marks, Superseded


class Publisher:
    """Publishes what it is handed; `consumers.publishing` says what is asked of it."""

    def __init__(
        self,
        kafka: Kafka,
        *,
        pending_max: int,
        publish_seconds_max: float,
        on_published: Callable[[int, float], None],
    ) -> None:
        self._kafka = kafka
        self._pending_max = pending_max
        self._publish_seconds_max = publish_seconds_max
        self._on_published = on_published
        self._changed = asyncio.Event()  # something was published, or has failed for good
        self._closes = 0
        self._publishing: Publishing | None = None
        self._put: dict[Place, int] = {}  # the last sequences that were put
        self.transactional_id = self._new_id()

    def _new_id(self) -> str:
        """Make an id that nobody else ever has: who fences it shuts out this share alone."""
        return f"{self._kafka.publisher}-{uuid4().hex[:12]}"

    @property
    def pending(self) -> int:
        """Give the number of entries that are committed and not yet published."""
        return self._publishing.pending if self._publishing else 0

    async def open(
        self,
        transactional_id: str,
        lanes: Mapping[int, Marks],
        before: Collection[str],
        is_ours: IsOurs,
    ) -> dict[int, Marks]:
        """Take lanes over and give where each has got to. Raises KafkaError and Superseded."""
        if transactional_id != self.transactional_id:
            raise Superseded("the lanes were given up before they were taken over")
        closes = self._closes
        publishing = self._publishing or self._new_publishing()
        new = {number: lanes[number] for number in lanes.keys() - publishing.end.marks.keys()}
        try:
            await publishing.open(new, before, is_ours)
            if closes != self._closes:
                raise Superseded("the lanes were given up while they were taken over")
        except BaseException as error:
            await publishing.close()
            self._publishing, self._put = None, {}
            if isinstance(error, TimeoutError):
                raise KafkaTimeoutError(
                    f"lanes {sorted(lanes)} could not be taken over in time; where that comes"
                    " again, look for hanging transactions: kafka-transactions.sh find-hanging"
                ) from error
            raise
        for number in new:
            for stream, mark in publishing.end.marks[number].items():
                self._put[number, stream] = mark.sequence
        self._publishing = publishing
        publishing.begin(is_ours)
        return {number: self._put_marks(publishing.end, number) for number in lanes}

    def put(self, entries: Sequence[JournalEntry]) -> None:
        """Take committed entries over. Raises Superseded and Unpublished."""
        self._raise_failure()
        for entry in entries:
            if self._publishing is None or (place := place_of(entry)) not in self._put:
                raise Superseded(f"lane {entry.lane} was given up")
            self._put[place] = entry.sequence
        if self._publishing is not None:
            self._publishing.put(entries)

    async def room(self, timeout_seconds: float) -> bool:
        """Wait until not too much is unpublished. Raises Superseded and Unpublished."""
        return await self._pending_below(self._pending_max, timeout_seconds)

    def marks(self, lane: int) -> Marks:
        """Give the published end of a lane's streams."""
        return dict(self._publishing.end.marks.get(lane, {})) if self._publishing else {}

    async def close(self, timeout_seconds: float) -> None:
        """Publish what is in hand, for at most so long, and give all lanes up."""
        with contextlib.suppress(Exception):
            await self._pending_below(0, timeout_seconds)
        self._closes += 1
        if (publishing := self._publishing) is None:
            return
        # Another id next time: who takes one of these lanes may fence this one at any time.
        self._publishing, self._put, self.transactional_id = None, {}, self._new_id()
        await publishing.close()

    async def _pending_below(self, limit: int, timeout_seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                while self.pending > limit:
                    self._raise_failure()
                    self._changed.clear()
                    await self._changed.wait()
        self._raise_failure()
        return self.pending <= limit

    def _raise_failure(self) -> None:
        if self._publishing is not None and self._publishing.failure is not None:
            raise self._publishing.failure

    def _new_publishing(self) -> Publishing:
        end = PublishedEnd(
            self._kafka, self.transactional_id, publish_seconds_max=self._publish_seconds_max
        )
        return Publishing(end, on_published=self._on_published, on_change=self._changed.set)

    def _put_marks(self, end: PublishedEnd, lane: int) -> Marks:
        return {
            stream: Mark(self._put[lane, stream], mark.offset)
            for stream, mark in end.marks[lane].items()
        }
