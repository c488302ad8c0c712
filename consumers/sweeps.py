"""Ticks that nobody sent: a lane expires on where its last batch reached the limit."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from consumers.records import Batch
from schemas.events import Arrival, Cause, ExpiryTick

_FAR_AHEAD: Final = datetime.max.replace(tzinfo=UTC)  # the database's clock cuts it down to now


def add_sweeps(batch: Batch, lanes: Iterable[int], ticks_topic: str) -> None:
    """Add a tick for each of these lanes that has none in the batch."""
    for number in lanes:
        if number not in batch.ticks:
            cause = Cause(ticks_topic, number, None)
            batch.ticks[number] = Arrival(ExpiryTick(at=_FAR_AHEAD), number, cause)


def holds_per_lane(holds_max: int, batch: Batch) -> int:
    """Give how many holds each lane may end in a batch, so that together they end `holds_max`.

    Only lanes with a tick in it end any: one that sweeps on alone has the shares of all others. It
    is one at least: a lane that may end none would be swept for ever.
    """
    return max(1, holds_max // max(1, len(batch.ticks)))
