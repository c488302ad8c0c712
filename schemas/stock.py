"""Stock as the rules see it: a line per organization, product and variant, and pools beside it."""

from typing import NamedTuple

from msgspec import Struct


class StockKey(NamedTuple):
    """Names a stock line."""

    organization_id: str
    product_id: str
    variant_id: str


class PoolKey(NamedTuple):
    """Names the units of one stock line that are set aside for one experience."""

    organization_id: str
    experience_id: str
    product_id: str
    variant_id: str

    @property
    def stock_key(self) -> StockKey:
        """Give the stock line that the pool was filled from."""
        return StockKey(self.organization_id, self.product_id, self.variant_id)


class StockLine(Struct, gc=False):
    """The counters of one stock line, in units.

    received = on_hand + allocated + sold + what its pools have - short;
    available = on_hand - reserved. An untracked line never refuses: its on_hand stays as it is.
    `short` counts units that are held or sold and are not there: an operator took them away, or the
    policy's oversell budget sold them. Units that come back make it smaller before all else.
    """

    key: StockKey
    tracked: bool
    on_hand: int
    reserved: int
    allocated: int
    sold: int
    short: int = 0

    @property
    def available(self) -> int:
        """Units that a further hold may take."""
        return self.on_hand - self.reserved


class StockMove(NamedTuple):
    """Units that a batch adds to the counters of a stock line, which it may not have locked yet.

    It would add the same to all counters with this `short` and `tracked`, and with no fewer units
    available than `low` and no more than `high`.
    """

    organization_id: str
    product_id: str
    variant_id: str
    tracked: bool
    short: int
    low: int
    high: int
    on_hand_by: int
    reserved_by: int
    allocated_by: int
    sold_by: int
    short_by: int


class StockMoved(Exception):
    """A stock line is not as it was when a batch that asked for it was decided."""


class Pool(Struct, gc=False):
    """The counters of one pool, in units: filled = available + allocated + sold from it."""

    key: PoolKey
    available: int
    allocated: int
    filled: int = 0
