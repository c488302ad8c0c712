"""Watches a consumer from outside: asks Kafka on a connection of its own how much there is."""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from service.clients import new_reader
from service.membership import Membership
from service.settings import Settings
from service.stall import GiveUp, Place, Rebuild, Sight, StallRule

log = structlog.get_logger()

LOOK_SECONDS_MAX: Final = 5.0  # between two sights
ANSWER_SECONDS_MAX: Final = 5.0  # for Kafka to say how far its partitions go
POSITION_SECONDS_MAX: Final = 0.5  # it is known at once, or not at all
FAREWELL_SECONDS: Final = 3.0  # in which /livez fails before the process ends


class Stalled(Exception):
    """The consumer reads no more: replace it."""


class GivenUp(Exception):
    """Replacing the consumer has not helped: end the process, and let it be started anew."""


class Watchdog:
    """Watches one membership after the other. `stuck` is why /livez shall fail, if it shall."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._rule = StallRule(settings.stall_timeout)
        self._reader: AIOKafkaConsumer | None = None
        self._polls = 0
        self._full_polls = 0
        self.stuck: str | None = None
        self.ends: Mapping[TopicPartition, int] | None = {}  # None: Kafka did not say

    async def watch(self, membership: Membership) -> None:
        """Watch until something is wrong. Raises Stalled, and GivenUp where that was in vain."""
        self._rule.forget_times()
        try:
            while True:
                await asyncio.sleep(min(self._settings.stall_timeout / 4, LOOK_SECONDS_MAX))
                match self._rule.see(await self._look(membership)):
                    case Rebuild(why):
                        raise Stalled(why)
                    case GiveUp(why):
                        await self._give_up(why)
        finally:
            await self._forget_reader()

    async def _give_up(self, why: str) -> None:
        self.stuck = why
        log.error("worker.gives_up", why=why)
        await asyncio.sleep(FAREWELL_SECONDS)
        raise GivenUp(why)

    async def _look(self, membership: Membership) -> Sight:
        share, poller = membership.loop.share, membership.loop.poller
        positions = await positions_of(membership) if share.is_settled else {}
        self.ends = ends = await self._ends([*positions] or [self._any_partition()])
        # Asked last: to ask Kafka takes time, in which the loop may have begun to wait.
        is_reading = share.is_settled and (poller.is_polling or poller.polls != self._polls)
        # What a full poll leaves waits its turn: aiokafka empties one partition after the other.
        is_reading = is_reading and poller.full_polls == self._full_polls
        self._polls, self._full_polls = poller.polls, poller.full_polls
        places = None if ends is None else _places(positions, ends, poller.polled_at)
        return Sight(time.monotonic(), share.is_assigned, is_reading, places)

    def _any_partition(self) -> TopicPartition:
        return TopicPartition(self._settings.admitted_topic, 0)

    async def _ends(self, partitions: list[TopicPartition]) -> Mapping[TopicPartition, int] | None:
        """Give the ends of partitions, read committed; None where Kafka does not say."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                if self._reader is None:
                    self._reader = new_reader(self._settings)
                    await self._reader.start()
                ends: Mapping[TopicPartition, int] = await self._reader.end_offsets(partitions)
                return ends
        except (KafkaError, OSError):  # a TimeoutError is one too
            await self._forget_reader()
            return None

    async def _forget_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(ANSWER_SECONDS_MAX):
                    await reader.stop()


async def positions_of(membership: Membership) -> dict[TopicPartition, int]:
    """Give where the consumer stands; where it does not know, what is applied."""
    lanes = dict(membership.loop.share.lanes)
    found: dict[TopicPartition, int] = {}
    for partition in membership.consumer.assignment():
        if (lane := lanes.get(partition.partition)) is None:
            continue
        found[partition] = lane.next_offsets[partition.topic]
        with contextlib.suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(POSITION_SECONDS_MAX):
                # Past markers of transactions, which are no records, it moves by itself.
                found[partition] = await membership.consumer.position(partition)
    return found


def _places(
    positions: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
    polled_at: Mapping[TopicPartition, float],
) -> dict[str, Place]:
    return {
        f"{partition.topic}[{partition.partition}]": Place(
            position, ends[partition], polled_at.get(partition)
        )
        for partition, position in positions.items()
    }
