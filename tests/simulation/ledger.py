"""Where the units are: counters that nobody keeps, but counts from the rows when they are asked.

Kept are the units that came in, those that a line is short of, and those that a pool was given.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.vocabulary import Reason, Strategy
from tests.simulation.facts import Sku
from tests.simulation.row import PoolName, Row


class Withdrawal(NamedTuple):
    """An operator takes units away, of which the last hold with so many is at risk then."""

    sku: Sku
    units: int


@dataclass(slots=True)
class Ledger:
    received: dict[Sku, int | None]  # None: untracked
    pooled: dict[PoolName, int]  # units that a pool has to account for
    short: dict[Sku, int] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)

    def _sum(self, sku: Sku, what: str, *strategies: Strategy) -> int:
        return sum(
            getattr(row, what)
            for row in self.rows
            if row.sku == sku and (not strategies or row.strategy in strategies)
        )

    def counters(self, sku: Sku) -> dict[str, int]:
        reserved, allocated = self._sum(sku, "held", "soft"), self._sum(sku, "held", "hard")
        sold, short = self._sum(sku, "sold"), self.short.get(sku, 0)
        came, pools = self.received[sku], [one for one in self.pooled if one[1] == sku]
        there = sum(self.pool(one)["available"] + self.pool(one)["allocated"] for one in pools)
        on_hand = 0 if came is None else came + short - allocated - sold - there
        return {
            "on_hand": on_hand,
            "reserved": reserved,
            "allocated": allocated,
            "sold": sold,
            "short": short,
        }

    def pool(self, name: PoolName) -> dict[str, int]:
        mine = [row for row in self.rows if row.pool == name]
        held, sold = sum(row.held for row in mine), sum(row.sold for row in mine)
        return {"available": self.pooled[name] - held - sold, "allocated": held}

    def refusal(self, row: Row, units: int) -> Reason | None:
        """Say why `units` more cannot be taken for a row, if they cannot."""
        if row.sku not in self.received:
            return "unknown_stock_line"
        if self.received[row.sku] is None:
            return None
        if row.pool is not None:
            if row.pool not in self.pooled:
                return "unknown_pool"
            return None if self.pool(row.pool)["available"] >= units else "pool_exhausted"
        there = self.counters(row.sku)
        enough = there["on_hand"] - there["reserved"] >= units
        return None if enough else "insufficient_stock"

    def oversell(self, row: Row, units: int, most: int) -> bool:
        """Sell units that are not there, as far as the policy lets us."""
        short = self.short.get(row.sku, 0) + units
        is_nowhere = row.pool is not None and row.pool not in self.pooled
        if self.received.get(row.sku) is None or is_nowhere or short > most:
            return False
        self.short[row.sku] = short
        if row.pool is not None:
            self.pooled[row.pool] += units
        return True

    def give_back(self, row: Row, units: int) -> None:
        """Let units that a line is short of vanish, when so many come back; those at risk first."""
        row.at_risk = max(0, row.at_risk - units)
        row.is_warned = row.is_warned and row.at_risk > 0
        gone = min(units, self.short.get(row.sku, 0))
        if gone:
            self.short[row.sku] -= gone
            if row.pool is not None:
                self.pooled[row.pool] -= gone

    def withdraw(self, row: Row, units: int) -> None:
        received = self.received[row.sku]
        if received is not None:
            self.received[row.sku] = received - units
            self.short[row.sku] = self.short.get(row.sku, 0) + units
            row.at_risk += units

    def warn(self, row: Row) -> None:
        """Say once which units are at risk: of those that were, so many as are short still."""
        if row.at_risk and not row.is_warned:
            row.at_risk = min(row.at_risk, self.short.get(row.sku, 0))
            row.is_warned = row.at_risk > 0
            if row.is_warned:
                row.says("at_risk", row.at_risk, "stock_withdrawn")

    def of(self, owner: str, experience_id: str) -> Iterator[Row]:
        """Give the rows that limits look at."""
        mine = (row for row in self.rows if row.owner == owner)
        return (row for row in mine if row.admitted_to == experience_id)
