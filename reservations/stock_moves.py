"""What a batch adds to stock lines, and for which counters of theirs it decided right.

A batch reads its stock lines without locking them, and locks them when all else is saved. What
another worker moved meanwhile mostly changes nothing: where a thousand units are available, one
more is there whether a neighbour took ten or not. So what is noted is what was asked of a line,
and the bounds within which every answer stays as it was. Where a line is out of them by then, the
batch is decided anew.
"""

from collections.abc import Mapping
from typing import Final

from schemas.stock import StockKey, StockLine, StockMove

UNBOUNDED: Final = 1 << 62  # a bigint of Postgres, also with all units of a file added


class StockAsked:
    """What the rules asked of stock lines."""

    __slots__ = ("_lacking", "_spare", "_weighed")

    def __init__(self) -> None:
        self._spare: dict[StockKey, int] = {}  # the least that was left of what was there
        self._lacking: dict[StockKey, int] = {}  # the least that was not there
        self._weighed: set[StockKey] = set()

    def has_available(self, line: StockLine, quantity: int) -> bool:
        """Tell whether so many units of a line are available."""
        spare = line.available - quantity
        noted = self._spare if spare >= 0 else self._lacking
        noted[line.key] = min(abs(spare), noted.get(line.key, UNBOUNDED))
        return spare >= 0

    def short(self, line: StockLine) -> int:
        """Give how many units of a line are held or sold and not there."""
        self._weighed.add(line.key)
        return line.short

    def moves(
        self, before: Mapping[StockKey, StockLine], changed: Mapping[StockKey, StockLine]
    ) -> list[StockMove]:
        """Give what is to be added to lines as they were before, and what they have to be then."""
        asked = self._spare.keys() | self._lacking.keys() | self._weighed
        return [self._move(before[key], changed.get(key)) for key in changed.keys() | asked]

    def _move(self, before: StockLine, after: StockLine | None) -> StockMove:
        now = before if after is None else after
        return StockMove(
            *before.key,
            before.tracked,
            before.short,
            before.available - self._spare.get(before.key, UNBOUNDED),
            before.available - 1 + self._lacking.get(before.key, UNBOUNDED),
            now.on_hand - before.on_hand,
            now.reserved - before.reserved,
            now.allocated - before.allocated,
            now.sold - before.sold,
            now.short - before.short,
        )
