"""A stock line's counters beside what its rows make: where the two differ, they have drifted."""

from typing import NamedTuple

from schemas.stock import StockKey


class PoolCounts(NamedTuple):
    """A pool as it is saved, and what its reservations make. filled is None where it is gone."""

    experience_id: str
    filled: int | None
    available: int
    allocated: int
    made_allocated: int
    made_sold: int

    @property
    def unexplained(self) -> int:
        """Give by how much filled is more than available, and what the rows allocate and sell."""
        return (self.filled or 0) - self.available - self.made_allocated - self.made_sold


class LineCounts(NamedTuple):
    """A stock line as it is saved, and what its reservations make. tracked: None where it is gone.

    `made_sold` is of all strategies. `pools` are all of the line's, also those that are right.
    """

    key: StockKey
    tracked: bool | None
    received: int
    on_hand: int
    reserved: int
    allocated: int
    sold: int
    short: int
    made_reserved: int
    made_allocated: int
    made_sold: int
    pools: tuple[PoolCounts, ...] = ()

    @property
    def unexplained(self) -> int:
        """Give by how much received is more than on_hand, and what the rows and pools make of it.

        An untracked line sells what it never received.
        """
        pooled = sum(pool.available + pool.made_allocated for pool in self.pools)
        sold = self.made_sold - self.short if self.tracked else 0
        return self.received - self.on_hand - self.made_allocated - pooled - sold

    @property
    def units(self) -> int:
        """Give the units by which the line has drifted, all counters together; never 0."""
        apart = [
            self.reserved - self.made_reserved,
            self.allocated - self.made_allocated,
            self.sold - self.made_sold,
            self.unexplained,
            self.short_beyond,
        ]
        apart += [pool.allocated - pool.made_allocated for pool in self.pools]
        apart += [pool.unexplained for pool in self.pools]
        return sum(map(abs, apart))

    @property
    def short_beyond(self) -> int:
        """Give the units that are short beyond those that are held and sold."""
        held = self.made_reserved + self.made_allocated
        taken = held + self.made_sold + sum(pool.made_allocated for pool in self.pools)
        return max(0, self.short - taken) if self.tracked else self.short
