"""What an event costs in calls of functions: a regression is seen without a clock.

Counted are calls of Python's functions and of C's, from the bytes of a record to the entries of the
journal; loading and saving rows is not among them. A bound is about a tenth above what was counted
when it was set. Who makes an event cheaper sets it lower.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from consumers.journaling import journal_entries
from db.lanes import STREAMS, Lane, Output
from reservations.book import NEVER_TICKED
from reservations.decide import decide
from schemas.decode import PassedOver, decode
from schemas.events import Arrival, Cause
from schemas.stock import StockKey, StockLine
from tests.e2e.events import Sent, admitted, cancelled, cart, completed, extend, left, release
from tests.unit.world import World

EVENTS: Final = 100
NOW: Final = datetime.now(UTC)

Make = Callable[[str], Sent]


def bigger_cart(shopper: str) -> Sent:
    return cart(shopper, {"lamp": 2, "bulb": 1})


def longer(shopper: str) -> Sent:
    return extend(shopper, 60)


# What came before, the kind of event, and how many calls each of it may take.
KINDS: Final[dict[str, tuple[Sequence[Make], Make, int]]] = {
    "admission": ([], admitted, 235),
    "admission again": ([admitted], admitted, 120),
    "cart": ([admitted], bigger_cart, 500),
    "payment": ([admitted], completed, 440),
    "payment again": ([admitted, completed], completed, 460),
    "early payment": ([], completed, 205),
    "late payment": ([admitted, left], completed, 545),
    "end": ([admitted], left, 375),
    "cancellation": ([admitted, completed], cancelled, 455),
    "extension": ([admitted], longer, 375),
    "release": ([admitted], release, 380),
}


@contextmanager
def counting(calls: list[int]) -> Iterator[None]:
    """Count the calls of functions until the end of the block."""

    def note(frame: object, event: str, what: Any) -> None:
        if event in ("call", "c_call"):
            calls[0] += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(before)


class Shop:
    """A world in memory that counts what its events cost."""

    def __init__(self) -> None:
        self.world = World()
        for product in ("lamp", "bulb"):
            key = StockKey("acme", product, "")
            self.world.stock[key] = StockLine(key, True, 1_000_000, 0, 0, 0)
        outputs = {stream: Output() for stream in STREAMS}
        self.lane = Lane(0, 1, NEVER_TICKED, 0, {}, outputs)
        self.offset = 0

    def apply(self, sent: Sequence[Sent]) -> int:
        """Apply records in one batch, and give how many calls that took."""
        calls = [0]
        with counting(calls):
            arrivals = [arrival for one in sent for arrival in self._arrivals(one)]
        book = self.world._book(arrivals)
        book.now = NOW
        with counting(calls):
            changes = decide(book, arrivals)
            journal_entries({0: self.lane}, changes.outcomes, [])
        self.world._save(changes)
        return calls[0]

    def _arrivals(self, sent: Sent) -> list[Arrival]:
        topic, _, value = sent
        events = decode(value, NOW + timedelta(seconds=10))
        assert not isinstance(events, PassedOver)
        self.offset += 1
        return [
            Arrival(event, 0, Cause(topic, 0, self.offset, line, None))
            for line, event in enumerate(events)
        ]


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_takes_so_many_calls_at_most(kind: str) -> None:
    before, make, most = KINDS[kind]
    shop = Shop()
    shoppers = [f"shopper-{n}" for n in range(EVENTS)]
    for earlier in before:
        shop.apply([earlier(shopper) for shopper in shoppers])

    calls = shop.apply([make(shopper) for shopper in shoppers])

    assert calls / EVENTS <= most


def test_a_hundred_times_as_many_events_take_a_hundred_times_as_many_calls() -> None:
    few, many = Shop(), Shop()
    for shop in (few, many):
        shop.apply([admitted("warm")])

    once = few.apply([admitted(f"shopper-{n}") for n in range(20)]) / 20
    often = many.apply([admitted(f"shopper-{n}") for n in range(2000)]) / 2000

    assert often <= once


def test_what_is_counted_are_calls() -> None:
    calls = [0]
    with counting(calls):
        for _ in range(10):
            len("")

    assert 10 <= calls[0] <= 15
