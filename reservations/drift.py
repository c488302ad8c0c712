"""What a stock line that has drifted needs: by how much to move each counter.

Reservations are the truth for what is held and sold, and imports for what was received and set
aside. What is left over between the two is what is free: on_hand, and available of a pool.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.adjusted import Counter
from schemas.drift import LineCounts

Place = tuple[Counter, str | None]  # a counter, and of which experience's pool it is
Units = Mapping[Place, int]


@dataclass(slots=True)
class Mended:
    """The counters as they shall be, and the held units that are not there."""

    units: dict[Place, int]
    lacking: int


def moves_for(line: LineCounts) -> dict[Place, int]:
    """Give what is to be added to each counter that is wrong.

    Batches move a counter and its rows by the same: so this stays right while they go on.
    """
    moves: dict[Place, int] = {
        ("reserved", None): line.made_reserved - line.reserved,
        ("allocated", None): line.made_allocated - line.allocated,
        ("sold", None): line.made_sold - line.sold,
        ("short", None): -line.short_beyond,
    }
    for pool in line.pools:
        moves["pool_allocated", pool.experience_id] = pool.made_allocated - pool.allocated
    moves |= _free(line) if line.tracked else {("received", None): -line.unexplained}
    return {place: units for place, units in moves.items() if units}


def _free(line: LineCounts) -> dict[Place, int]:
    """Find which of on_hand, available and filled is wrong, where two equations do not hold.

    filled = available + allocated + sold of a pool, and received = on_hand + allocated + pooled +
    sold - short. If available is wrong, both are off by the same; else each by its own.
    """
    left_over = line.unexplained - line.short_beyond
    there = [pool for pool in line.pools if pool.filled is not None]
    pooled = sum(pool.unexplained for pool in there)
    only_filled = left_over == 0 != pooled
    moves: dict[Place, int] = {("on_hand", None): 0 if only_filled else left_over - pooled}
    for pool in line.pools:
        if only_filled or pool.filled is None:
            moves["pool_filled", pool.experience_id] = -pool.unexplained
        else:
            moves["pool_available", pool.experience_id] = pool.unexplained
    return moves


def mend(now: Units, moves: Units, *, tracked: bool) -> Mended | None:
    """Move the counters as they are now; None where they are not what they were measured to be.

    A pool cannot have less than nothing: what it lacks is taken from on_hand. What on_hand lacks
    is held, and is not there.
    """
    units = {place: before + moves.get(place, 0) for place, before in now.items()}
    _keep_short(units)
    for (counter, experience_id), available in list(units.items()):
        if counter == "pool_available" and available < 0:
            units[counter, experience_id] = 0
            units["pool_filled", experience_id] -= available
            units["on_hand", None] += available
    lacking = max(0, units["reserved", None] - units["on_hand", None]) if tracked else 0
    if any(n < 0 for place, n in units.items() if place[0] in _OF_ROWS):
        return None
    return Mended(units, lacking)


# Counters that are made of rows: they cannot be negative but by somebody else's repair.
_OF_ROWS: frozenset[Counter] = frozenset({"reserved", "allocated", "sold", "pool_allocated"})


def _keep_short(units: dict[Place, int]) -> None:
    """Take no more off what is short than there is: units that came back may have covered it."""
    if units["short", None] < 0:
        units["on_hand", None] -= units["short", None]
        units["short", None] = 0
