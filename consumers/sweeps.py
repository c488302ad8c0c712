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
