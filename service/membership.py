"""A worker's time in the consumer group, and what it looks like from outside: alive, ready."""

import time
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer

from consumers.loop import Loop
from producers.publisher import Publisher

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
    return None if membership.loop.share.is_settled else "lanes are not taken over yet"
