"""Long work in short pieces: whoever else waits for the event loop has a turn in between.

A batch may take a second to decode and to decide, longer on a machine that is busy. Kafka's
heartbeats, probes and the publishing of the batch before do not wait that long.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final, TypeVar

from consumers.record import Records

T = TypeVar("T")

PIECE: Final = 100  # records or events: some milliseconds


async def in_turns(items: Sequence[T]) -> AsyncIterator[Sequence[T]]:
    """Give some items at a time, in their order, and let others have a turn in between."""
    for place in range(0, len(items), PIECE):
        if place:
            await asyncio.sleep(0)
        yield items[place : place + PIECE]


async def decode(records: Records) -> None:
    """Decode records, in turns; one that is decoded is not decoded again."""
    async for some in in_turns([record for found in records.values() for record in found]):
        for record in some:
            record.said()
