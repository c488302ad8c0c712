"""The published end of our lanes: moved on by transactions, and read again from the topics."""

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping

import structlog
from aiokafka.errors import KafkaError, ProducerFenced

from producers.batches import Place, place_of
from producers.fencing import Fenced
from producers.kafka import Kafka
from producers.tail import read_tails
from producers.transactional_producer import TransactionalProducer
from schemas import steps
from schemas.journal import IsOurs, JournalEntry, Mark, Marks, Superseded, Unpublished
from schemas.vocabulary import Stream

log = structlog.get_logger()


class PublishedEnd:
    """The producer of all our lanes, and how far what it has published goes.

    A lane is in the hands of one caller at a time. Each step has `publish_seconds_max` and raises
    TimeoutError then; what Kafka says is raised as KafkaError. After either only `take_again` tells
    what was published.

    There is one producer, and so one transaction at a time. Where the lanes of a worker had several
    by turns, one might commit behind what another has committed and a killed broker still hides;
    then a probe, which aborts what is hidden, would leave a gap.
    """

    def __init__(self, kafka: Kafka, transactional_id: str, *, publish_seconds_max: float) -> None:
        self._kafka = kafka
        self._transactional_id = transactional_id
        self._publish_seconds_max = publish_seconds_max
        self._producer = TransactionalProducer(kafka, transactional_id)
        self.marks: dict[int, dict[Stream, Mark]] = {}
        self._unconfirmed: dict[int, float] = {}  # lanes, and when what is not yet seen was sent

    async def start(self, is_ours: IsOurs) -> None:
        """Start the producer. Raises Superseded where a lane is another's by now.

        Who took it has fenced this id before, and then the epoch tells; or fences it after, and
        that is no more ours. So it has to be asked when the producer has started, and not before.
        """
        async with asyncio.timeout(self._publish_seconds_max):
            await self._producer.start()
            await _refuse_unless_ours(is_ours)

    async def take(self, lanes: Mapping[int, Marks], before: Collection[str]) -> None:
        """Fence whoever published for these lanes before, and find where they have got to.

        First the fencing: it ends what they left open. Then the topics are the truth.
        """
        async with asyncio.timeout(self._publish_seconds_max):
            async with Fenced.all(self._kafka, before) as fenced:
                steps.done("producers", len(before))
                tails = await read_tails(self._kafka, lanes, fenced.probe)
        self.marks |= {lane: dict(tail) for lane, tail in tails.items()}
        steps.done("tails", len(tails))

    async def take_again(self, is_ours: IsOurs) -> None:
        """Make the producer anew: only the topics know what they have of the last attempt.

        All lanes are looked at: the attempt before it may be ended by this, too. Raises what
        `start` and `look` do.
        """
        await self._producer.discard()
        self._producer = TransactionalProducer(self._kafka, self._transactional_id)
        await self.start(is_ours)
        await self.look(list(self.marks))

    async def publish(self, entries: Iterable[JournalEntry]) -> None:
        """Publish entries, all or none. Raises Unpublished where a topic was made anew."""
        async with asyncio.timeout(self._publish_seconds_max):
            published = await self._producer.publish(sorted(entries, key=place_of))
        self._refuse_topic_made_anew(published)
        for (lane, stream), mark in published.items():
            self.marks[lane][stream] = mark
            self._unconfirmed[lane] = time.monotonic()

    def quiet_for(self, seconds: float) -> set[int]:
        """Give the lanes for which nothing was published for so long, and the last not yet seen."""
        until = time.monotonic() - seconds
        return {lane for lane, at in self._unconfirmed.items() if at <= until}

    async def look(self, lanes: Iterable[int]) -> None:
        """Read the published end of lanes. Raises Unpublished where it is before what was known."""
        known = {lane: self.marks[lane] for lane in lanes}
        async with asyncio.timeout(self._publish_seconds_max):
            tails = await read_tails(self._kafka, known, self._probe)
        for lane, tail in tails.items():
            _refuse_less(lane, tail, known[lane])
            self.marks[lane] = dict(tail)
            self._unconfirmed.pop(lane, None)

    async def discard(self) -> None:
        """Throw the producer away."""
        await self._producer.discard()

    async def _probe(self, lane: int) -> None:
        """Make readable what a killed broker has committed and hidden."""
        log.warning("publish.probed", lane=lane)
        producer = self._producer
        try:
            await producer.probe(lane)
        except ProducerFenced:
            if producer is self._producer:
                raise
            raise KafkaError("the producer was made anew while it was to probe") from None

    def _refuse_topic_made_anew(self, published: Mapping[Place, Mark]) -> None:
        """Raise Unpublished where what was published last went in before what came earlier."""
        for (lane, stream), mark in published.items():
            if mark.offset <= (last := self.marks[lane][stream]).offset:
                raise Unpublished(
                    f"lane {lane} has {stream} {mark.sequence} before offset {mark.offset},"
                    f" and {last.sequence} was before {last.offset}: the topic was made anew"
                )


async def _refuse_unless_ours(is_ours: IsOurs) -> None:
    answer = await is_ours()
    if answer is None:
        raise TimeoutError("nobody can say whose the lanes are")
    if not answer:
        raise Superseded("a lane was taken over")


def _refuse_less(lane: int, tail: Marks, acknowledged: Marks) -> None:
    for stream, mark in tail.items():
        if mark.sequence < acknowledged[stream].sequence:
            raise Unpublished(
                f"lane {lane} has {stream} up to {mark.sequence}, and"
                f" {acknowledged[stream].sequence} was acknowledged"
            )
