"""Gauges of what a worker has in memory: set when asked for, and looked at now and then between."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition
from asyncpg import Pool

from service.lags import Lags, Reading
from service.membership import Membership
from service.metrics import catalogue
from service.metrics.registry import Metrics
from service.watchdog import positions_of

# A lag in seconds is right to so much: a record may have come right after nothing waited.
LOOK_SECONDS: Final = 0.5

Ends = Mapping[TopicPartition, int]


class Gauges:
    """Tells of the lanes that this worker owns, and of none that it does not."""

    def __init__(
        self,
        metrics: Metrics,
        membership: Callable[[], Membership | None],
        ends: Callable[[], Ends | None],
    ) -> None:
        self._metrics = metrics
        self._membership = membership
        self._ends = ends  # as Kafka said last: what the consumer knows is of its last fetch
        self._lags: Lags[TopicPartition] = Lags()
        self.pool: Pool | None = None

    def collect(self) -> None:
        """Set them all."""
        metrics, membership = self._metrics, self._membership()
        lanes = membership.loop.share.lanes if membership else {}
        metrics.set(catalogue.LANES_OWNED, len(lanes))
        metrics.set(catalogue.UNPUBLISHED, membership.publisher.pending if membership else 0)
        metrics.forget(
            *(catalogue.HOLDS_ACTIVE, catalogue.SINCE_TICK_SECONDS, catalogue.LANE_EPOCH),
            *(catalogue.LAG_RECORDS, catalogue.LAG_SECONDS),
        )
        for number, lane in lanes.items():
            metrics.set(catalogue.HOLDS_ACTIVE, lane.holds_active, number)
            since = time.time() - lane.last_tick.timestamp()
            metrics.set(catalogue.SINCE_TICK_SECONDS, since, number)
            metrics.set(catalogue.LANE_EPOCH, lane.epoch, number)
        if membership:
            metrics.set(catalogue.LANES, _partitions(membership.consumer))
            metrics.set(catalogue.SERVER_REACHABLE, self._ends() is not None, "kafka")
        self._collect_lags()
        self._collect_pool()

    async def keep_looking(self) -> None:
        """Look at lags for ever: the more often, the truer are those in seconds."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if membership := self._membership():
                self._lags.see(time.time(), self._readings(await _idle_positions(membership)))

    def _collect_lags(self) -> None:
        oldest: dict[int, float] = defaultdict(float)
        for at, lag in self._lags.see(time.time(), self._readings({})).items():
            self._metrics.set(catalogue.LAG_RECORDS, lag.records, at.topic, at.partition)
            oldest[at.partition] = max(oldest[at.partition], lag.seconds)
        for lane, seconds in oldest.items():
            self._metrics.set(catalogue.LAG_SECONDS, seconds, lane)

    def _readings(self, positions: Ends) -> dict[TopicPartition, Reading]:
        if (membership := self._membership()) is None:
            return {}
        consumer, loop, ends = membership.consumer, membership.loop, self._ends() or {}
        found = {}
        for at in consumer.assignment():
            lane = loop.share.lanes.get(at.partition)
            fetched = consumer.last_stable_offset(at)
            if lane is not None and (fetched is not None or at in ends):
                first_ms = loop.ahead.first_ms.get(at)
                found[at] = Reading(
                    next_offset=lane.next_offsets[at.topic],
                    end=max(fetched or 0, ends.get(at, 0)),
                    position=positions.get(at),
                    polled_from=first_ms / 1000 if first_ms else None,
                )
        return found

    def _collect_pool(self) -> None:
        if (pool := self.pool) is None:
            return
        is_open, idle = pool.get_size(), pool.get_idle_size()
        states = {"used": is_open - idle, "idle": idle, "unopened": pool.get_max_size() - is_open}
        for state, connections in states.items():
            self._metrics.set(catalogue.DATABASE_CONNECTIONS, connections, state)


def _partitions(consumer: AIOKafkaConsumer) -> int:
    """Give how many partitions a topic has, as the consumer knows by now; 0: it does not yet."""
    known = (consumer.partitions_for_topic(topic) for topic in consumer.subscription())
    return max((len(partitions) for partitions in known if partitions), default=0)


async def _idle_positions(membership: Membership) -> Ends:
    """Give where the consumer stands, if it has nothing in hand: then all before is applied."""
    ahead = membership.loop.ahead
    takes = ahead.takes
    if not ahead.is_idle:
        return {}
    positions = await positions_of(membership)
    return positions if ahead.is_idle and ahead.takes == takes else {}
