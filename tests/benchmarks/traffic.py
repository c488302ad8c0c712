"""Streams of events to measure with: admissions only, or what a sale really sends."""

import heapq
import itertools
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final, Literal

from tests.e2e.events import Sent, admitted, cart, completed, left

Kind = Literal["admissions", "mixed"]

_WITHIN: Final = 500  # a shopper's events are among so many others'
_BEFORE: Final = 50  # and so many before the admission, at most


def records(kind: Kind, count: int, products: int) -> Iterator[Sent]:
    """Give so many records."""
    if kind == "admissions":
        yield from (admitted(f"shopper-{n}", f"lamp-{n % products}") for n in range(count))
        return
    yield from islice(_mixed(products), count)


def _mixed(products: int) -> Iterator[Sent]:
    """Give records without an end, in the order of their places."""
    dice, numbers = random.Random(1), itertools.count()
    waiting: list[tuple[float, int, Sent]] = []
    for shopper in itertools.count():
        for place, record in _doings(f"shopper-{shopper}", f"lamp-{shopper % products}", dice):
            heapq.heappush(waiting, (shopper * 2 + place, next(numbers), record))
        while waiting and waiting[0][0] < (shopper + 1) * 2 - _BEFORE:
            yield heapq.heappop(waiting)[2]


def _doings(shopper: str, product: str, dice: random.Random) -> Iterator[tuple[float, Sent]]:
    """Admit a shopper who pays, leaves, changes the cart, pays late, or never comes back."""
    admission = admitted(shopper, product)
    yield 0, admission
    if dice.random() < 0.2:
        yield dice.uniform(0, _WITHIN), admission
    if dice.random() < 0.25:
        yield dice.uniform(0, _WITHIN), cart(shopper, {product: 2})
    fate = dice.random()
    if fate < 0.45:
        paid = completed(shopper)
        yield dice.uniform(-_BEFORE, _WITHIN), paid  # now and then before the admission
        if dice.random() < 0.2:
            yield dice.uniform(0, _WITHIN), paid
    elif fate < 0.55:
        late = (datetime.now(UTC) + timedelta(minutes=50)).isoformat()
        yield dice.uniform(0, _WITHIN), completed(shopper, completedAt=late)
    elif fate < 0.75:
        yield dice.uniform(0, _WITHIN), left(shopper)
