"""Shoppers: their names, what each will do, and how many units the sale expects to be free."""

import heapq
from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Final, Literal

Role = Literal[
    "buys",
    "buys_twice",  # the completion comes again, under another delivery id
    "overtaken",  # the completion comes before the admission
    "leaves",
    "denied",
    "forgets",  # never comes back; the hold expires
    "late",  # pays after the hold has expired
]

# The first cards are one of each, so that the smallest crowd plays the whole story.
_ONE_OF_EACH: Final[tuple[Role, ...]] = (
    "buys",
    "forgets",
    "late",
    "leaves",
    "buys_twice",
    "overtaken",
    "denied",
)
_DECK: Final[tuple[Role, ...]] = (
    *("buys",) * 8,
    *("forgets",) * 4,
    *("leaves",) * 2,
    *("late",) * 2,
    *("buys_twice",) * 2,
    "overtaken",
    "denied",
)

_NAMES: Final = (
    "ada ben cleo dan eva finn gia hugo ida jan kai lea mia nils ole pia quinn rosa sam tess"
    " uma vic wim xena yara zoe"
)


def names(random: Random) -> Iterator[str]:
    """Give names that nobody else has."""
    for number in count(1):
        yield f"{random.choice(_NAMES.split())}-{number:03}"


def roles(random: Random) -> Iterator[Role]:
    """Deal what the next one who holds a unit will do."""
    yield from _ONE_OF_EACH
    while True:
        yield from random.sample(_DECK, len(_DECK))


class Shelf:
    """Units of one product, as the sale expects them to be free at a time.

    The worker decides who holds a unit; this only lets those pay who can have one.
    """

    def __init__(self, units: int) -> None:
        self._free = units
        self._coming_back: list[float] = []

    def take(self, at: float) -> bool:
        """Take a unit if one is free at `at`; calls come in the order of time."""
        while self._coming_back and self._coming_back[0] <= at:
            heapq.heappop(self._coming_back)
            self._free += 1
        if self._free == 0:
            return False
        self._free -= 1
        return True

    def give_back(self, at: float) -> None:
        """Give a unit back, some time later."""
        heapq.heappush(self._coming_back, at)
