"""What a running worker looks like from outside: gauges, liveness, readiness."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer

from consumers.loop import Loop
from producers.publisher import Publisher
from service.metrics import Metrics, catalogue

# A loop that has not come round for so long is stuck, not waiting for a server: against a silent
# one a turn may take 10 s to connect, 75 s for a command, 75 s for its ROLLBACK, and before that
# ten attempts of 10 s each on a locked row, which makes 260 s.
LIVE_SECONDS_MAX: Final = 300.0


@dataclass(frozen=True, slots=True)
class Membership:
    """One time in the consumer group: from joining it until leaving it."""

    consumer: AIOKafkaConsumer
    publisher: Publisher
    loop: Loop


def what_is_stuck(membership: Membership | None) -> str | None:
    """Liveness: the loop comes round. Whether servers are up is no reason to be restarted."""
    if membership is None:
        return None
    seconds = time.monotonic() - membership.loop.turned_at
    if seconds <= LIVE_SECONDS_MAX:
        return None
    return f"the loop has not come round for {seconds:.0f} s"


def what_is_missing(membership: Membership | None) -> str | None:
    """Readiness: a member of the group, with its share of lanes taken over, be it none."""
    if membership is None:
        return "not a member of the group"
    return None if membership.loop.is_settled else "lanes are not taken over yet"


def collect(metrics: Metrics, membership: Membership | None) -> None:
    """Set the gauges that are looked at when asked for, not told."""
    lanes = membership.loop.lanes if membership else {}
    metrics.set(catalogue.LANES_OWNED, len(lanes))
    metrics.set(catalogue.UNPUBLISHED, membership.publisher.pending if membership else 0)
    metrics.forget(catalogue.HOLDS_ACTIVE, catalogue.SINCE_TICK_SECONDS, catalogue.LAG_RECORDS)
    for number, lane in lanes.items():
        metrics.set(catalogue.HOLDS_ACTIVE, lane.holds_active, number)
        since = time.time() - lane.last_tick.timestamp()
        metrics.set(catalogue.SINCE_TICK_SECONDS, since, number)
    for topic, number, lag in _lags(membership) if membership else ():
        metrics.set(catalogue.LAG_RECORDS, lag, topic, number)


def _lags(membership: Membership) -> Iterator[tuple[str, int, int]]:
    for partition in membership.consumer.assignment():
        lane = membership.loop.lanes.get(partition.partition)
        end = membership.consumer.highwater(partition)
        if lane is not None and end is not None:
            lag = max(0, end - lane.next_offsets[partition.topic])
            yield partition.topic, partition.partition, lag
