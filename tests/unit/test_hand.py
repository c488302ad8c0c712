"""What is in hand to be published, by lane."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from producers import hand as module
from producers.hand import Hand
from schemas.journal import JournalEntry, Mark


def entries(lane: int, first: int, last: int, value: bytes = b"{}") -> list[JournalEntry]:
    return [
        JournalEntry(
            lane=lane,
            stream="outcomes",
            sequence=sequence,
            id=uuid4(),
            type="fanfare.reservation.reserved",
            occurred_at=datetime.now(UTC),
            key=b"ada",
            value=value,
        )
        for sequence in range(first, last + 1)
    ]


def places(some: list[JournalEntry]) -> list[tuple[int, int]]:
    return [(one.lane, one.sequence) for one in some]


@pytest.fixture
async def hand() -> Hand:
    return Hand()


async def test_the_first_of_each_lane_are_given_in_order_and_stay_until_they_are_dropped(
    hand: Hand,
) -> None:
    hand.put([*entries(0, 1, 2), *entries(1, 7, 7), *entries(0, 3, 3)])

    given = hand.first({0, 1})
    assert sorted(places(given)) == [(0, 1), (0, 2), (0, 3), (1, 7)]
    assert len(hand) == 4
    hand.put(entries(1, 8, 8))
    hand.drop(given)

    assert places(hand.first({0, 1})) == [(1, 8)]


async def test_a_transaction_takes_so_many_and_each_lane_its_share(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ENTRIES_MAX", 4)
    hand.put([*entries(0, 1, 9), *entries(1, 1, 1)])

    assert sorted(places(hand.first({0, 1}))) == [(0, 1), (0, 2), (1, 1)]


async def test_of_more_lanes_than_a_transaction_takes_entries_each_gives_one(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ENTRIES_MAX", 1)
    hand.put([*entries(0, 1, 2), *entries(1, 1, 2)])

    assert sorted(places(hand.first({0, 1}))) == [(0, 1), (1, 1)]


async def test_a_transaction_takes_so_many_bytes_and_one_entry_in_any_case(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BYTES_MAX", 10)
    hand.put([*entries(0, 1, 2, b"12345"), *entries(0, 3, 3, b"x"), *entries(0, 4, 4, b"0" * 99)])

    taken = []
    while len(hand):
        taken.append(places(some := hand.first({0})))
        hand.drop(some)

    assert taken == [[(0, 1), (0, 2)], [(0, 3)], [(0, 4)]]


async def test_a_lane_that_somebody_is_busy_with_is_not_given(hand: Hand) -> None:
    hand.put([*entries(0, 1, 1), *entries(1, 1, 1)])

    with hand.alone_with({0}) as looked_at:
        assert looked_at == {0}
        assert await hand.lanes() == {1}
        with hand.alone_with({0, 1}) as left:
            assert left == {1}
            waiting = asyncio.create_task(hand.lanes())
            await asyncio.sleep(0)
            assert not waiting.done()

    assert await waiting == {0, 1}


async def test_what_is_published_after_all_is_dropped(hand: Hand) -> None:
    hand.put([*entries(0, 1, 3), *entries(1, 5, 6)])

    hand.drop_published({0: {"outcomes": Mark(2, 9)}, 1: {"outcomes": Mark(6, 9)}})

    assert places(hand.first({0, 1})) == [(0, 3)]
