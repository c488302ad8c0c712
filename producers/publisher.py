"""Outcomes and dead letters out, while work goes on: the publishers of all lanes of a process."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from aiokafka.errors import KafkaTimeoutError

from producers.kafka import Kafka
from producers.lane_publisher import LanePublisher
from producers.tail import read_tails
from schemas import steps
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
        self._lanes: dict[int, LanePublisher] = {}
        self._is_ours: IsOurs = _nobody_knows  # as of the last take-over: of all that is open
        self._changed = asyncio.Event()  # something was published, or has failed for good

    @property
    def pending(self) -> int:
        """Give the number of entries that are committed and not yet published."""
        return sum(lane.pending for lane in self._lanes.values())

    async def open(self, lanes: Mapping[int, Marks], is_ours: IsOurs) -> dict[int, Marks]:
        """Take lanes over and give where each has got to. Raises KafkaError."""
        self._is_ours = is_ours
        new = {number: self._new_lane(number) for number in lanes if number not in self._lanes}
        try:
            # First the producers: that fences the last owner and ends what it left open. Then
            # the tails are the truth.
            await _all_or_error(publisher.end.take() for publisher in new.values())
            steps.done("producers", len(new))
            async with asyncio.timeout(self._publish_seconds_max):
                tails = await read_tails(
                    self._kafka,
                    {number: lanes[number] for number in new},
                    lambda number: new[number].end.probe(),
                )
        except BaseException as error:
            await asyncio.gather(*(publisher.close() for publisher in new.values()))
            if isinstance(error, TimeoutError):
                raise KafkaTimeoutError(f"lanes {sorted(new)} could not be taken over") from error
            raise
        steps.done("tails", len(new))
        for number, publisher in new.items():
            publisher.begin(tails[number])
        self._lanes |= new
        return {number: _put_marks(self._lanes[number]) for number in lanes}

    def put(self, entries: Sequence[JournalEntry]) -> None:
        """Take committed entries over. Raises Superseded and Unpublished."""
        self._raise_failure()
        for entry in entries:
            if (lane := self._lanes.get(entry.lane)) is None:
                raise Superseded(f"lane {entry.lane} was given up")
            lane.put(entry)

    async def room(self, timeout_seconds: float) -> bool:
        """Wait until not too much is unpublished. Raises Superseded and Unpublished."""
        return await self._pending_below(self._pending_max, timeout_seconds)

    def marks(self, lane: int) -> Marks:
        """Give the published end of a lane's streams."""
        return dict(self._lanes[lane].end.marks) if lane in self._lanes else {}

    async def close(self, timeout_seconds: float) -> None:
        """Publish what is in hand, for at most so long, and give all lanes up."""
        with contextlib.suppress(Exception):
            await self._pending_below(0, timeout_seconds)
        lanes, self._lanes = self._lanes, {}
        await asyncio.gather(*(publisher.close() for publisher in lanes.values()))

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
        for lane in self._lanes.values():
            if lane.failure is not None:
                raise lane.failure

    async def _ask(self, lane: int) -> bool | None:
        return await self._is_ours(lane)

    def _new_lane(self, number: int) -> LanePublisher:
        return LanePublisher(
            number,
            self._kafka,
            is_ours=self._ask,
            publish_seconds_max=self._publish_seconds_max,
            on_published=self._on_published,
            on_change=self._changed.set,
        )


async def _nobody_knows(_: int) -> None:
    """Answer for lanes before the first take-over."""


def _put_marks(lane: LanePublisher) -> Marks:
    return {
        stream: Mark(sequence, lane.end.marks[stream].offset)
        for stream, sequence in lane.put_sequences.items()
    }


async def _all_or_error(awaitables: Iterable[Awaitable[None]]) -> None:
    """Wait for all, so that none goes on by itself, then raise the first error."""
    for result in await asyncio.gather(*awaitables, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
