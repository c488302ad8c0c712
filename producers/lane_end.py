"""The published end of one lane: moved on by transactions, and read again from the topics."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import structlog

from producers.kafka import Kafka
from producers.lane_producer import LaneProducer
from producers.tail import read_tails
from schemas.journal import IsOurs, JournalEntry, Mark, Superseded, Unpublished
from schemas.vocabulary import Stream

log = structlog.get_logger()


class LaneEnd:
    """A lane's producer, and how far what it has published goes.

    Each step has `publish_seconds_max` and raises TimeoutError then; what Kafka says is raised
    as KafkaError. After either only `take_again` tells what was published.
    """

    def __init__(
        self, lane: int, kafka: Kafka, *, is_ours: IsOurs, publish_seconds_max: float
    ) -> None:
        self._lane = lane
        self._kafka = kafka
        self._is_ours = is_ours
        self._publish_seconds_max = publish_seconds_max
        self._producer = LaneProducer(kafka, lane)
        self.marks: dict[Stream, Mark] = {}
        self.is_unconfirmed = False  # acknowledged, and not yet seen in the topic

    async def take(self) -> None:
        """Fence whoever published this lane before."""
        async with asyncio.timeout(self._publish_seconds_max):
            await self._producer.start()

    async def take_again(self) -> None:
        """Take the own lane over: only the topic knows what of the last attempt it has.

        Raises Superseded where it is another's by now.
        """
        await self._producer.discard()
        await self._refuse_unless_ours()
        self._producer = LaneProducer(self._kafka, self._lane)
        await self.take()
        await self.look()

    async def publish(self, entries: Iterable[JournalEntry]) -> None:
        """Publish entries, all or none. Raises Unpublished where the topic was made anew."""
        async with asyncio.timeout(self._publish_seconds_max):
            published = await self._producer.publish(_by_stream(entries))
        self._refuse_topic_made_anew(published)
        self.marks.update(published)
        self.is_unconfirmed = True

    async def look(self) -> None:
        """Read the published end. Raises Unpublished where it is before what was acknowledged."""
        async with asyncio.timeout(self._publish_seconds_max):
            tails = await read_tails(self._kafka, {self._lane: self.marks}, lambda _: self.probe())
        for stream, mark in tails[self._lane].items():
            if mark.sequence < (acknowledged := self.marks[stream].sequence):
                raise Unpublished(
                    f"lane {self._lane} has {stream} up to {mark.sequence}, and"
                    f" {acknowledged} was acknowledged"
                )
        self.marks = dict(tails[self._lane])
        self.is_unconfirmed = False

    async def probe(self) -> None:
        """Make readable what a killed broker has committed and hidden."""
        log.warning("publish.probed", lane=self._lane)
        await self._producer.probe()

    async def discard(self) -> None:
        """Throw the producer away."""
        await self._producer.discard()

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

    def _refuse_topic_made_anew(self, published: Mapping[Stream, Mark]) -> None:
        """Raise Unpublished where what was published last went in before what came earlier."""
        for stream, mark in published.items():
            if mark.offset <= (last := self.marks[stream]).offset:
                raise Unpublished(
                    f"lane {self._lane} has {stream} {mark.sequence} before offset {mark.offset},"
                    f" and {last.sequence} was before {last.offset}: the topic was made anew"
                )


def _by_stream(entries: Iterable[JournalEntry]) -> Sequence[JournalEntry]:
    """Put the entries of a stream together; within a stream they keep their order."""
    return sorted(entries, key=lambda entry: entry.stream)
