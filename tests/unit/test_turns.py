"""Long work in short pieces: nothing is left out, and others have turns in between."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka.structs import TopicPartition

from consumers.record import Record
from consumers.turns import PIECE, decode, in_turns


class Others:
    """Somebody else on the event loop, who counts turns."""

    def __init__(self) -> None:
        self.turns = 0

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        """Let them wait for a turn, again and again."""
        task = asyncio.create_task(self._take_turns())
        try:
            yield
        finally:
            task.cancel()

    async def _take_turns(self) -> None:
        while True:
            self.turns += 1
            await asyncio.sleep(0)


@pytest.mark.parametrize("count", [0, 1, PIECE - 1, PIECE, PIECE + 1, 10 * PIECE + 7])
async def test_all_are_given_once_and_in_order(count: int) -> None:
    given = [item async for some in in_turns(range(count)) for item in some]

    assert given == list(range(count))


@pytest.mark.parametrize("count", [1, PIECE, 10 * PIECE])
async def test_others_have_a_turn_in_between_and_none_is_wasted(count: int) -> None:
    others = Others()
    async with others.waiting():
        async for some in in_turns(range(count)):
            assert len(some) <= PIECE

    assert others.turns == (count - 1) // PIECE


async def test_records_of_all_partitions_are_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: Counter[int] = Counter()
    real = Record._read

    def counted(record: Record) -> object:
        read[record.offset] += 1
        return real(record)

    monkeypatch.setattr(Record, "_read", counted)
    records = [Record("admitted", n % 3, n, -1, None, b"{}", ()) for n in range(3 * PIECE)]
    polled = {TopicPartition("admitted", n): records[n::3] for n in range(3)}
    others = Others()
    async with others.waiting():
        await decode(polled)
        await decode(polled)

    assert read == Counter(range(3 * PIECE))
    assert all(record.said().refusal for record in records)
    assert others.turns == 4
