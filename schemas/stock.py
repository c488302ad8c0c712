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


class Pool(Struct, gc=False):
    """The counters of one pool, in units: filled = available + allocated + sold from it."""

    key: PoolKey
    available: int
    allocated: int
    filled: int = 0
