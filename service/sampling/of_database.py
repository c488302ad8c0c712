"""Samples of the whole database: the owner of lane 0 takes them, and nobody else."""

from typing import Final

from db.connect import Connection
from db.drift import list_drift, lost_stock_keys, next_stock_keys
from db.sampling import sample_stock, sample_top_lines
from service.membership import Membership
from service.metrics import Metrics, catalogue
from service.sampling.drift import DriftSlices

# A slice costs one pass over the reservations, whatever its size; this bounds what is held of it.
DRIFT_LINES_AT_ONCE: Final = 5_000


class DatabaseSamples:
    """Tells of stock, and of what must never differ."""

    def __init__(self, metrics: Metrics, lines_max: int) -> None:
        self._metrics = metrics
        self._lines_max = lines_max
        self._slices = DriftSlices()

    async def stock(self, connection: Connection, _: Membership) -> None:
        """Sum up all units."""
        now, metrics = await sample_stock(connection), self._metrics
        metrics.set(catalogue.STOCK_UNITS, now.available, "available")
        metrics.set(catalogue.STOCK_UNITS, now.pooled, "pooled")
        metrics.set(catalogue.STOCK_UNITS, now.soft + now.hard + now.pool, "held")
        metrics.set(catalogue.STOCK_UNITS, now.sold, "sold")
        for strategy, units in (("soft", now.soft), ("hard", now.hard), ("pool", now.pool)):
            metrics.set(catalogue.UNITS_HELD, units, strategy)
        metrics.set(catalogue.SHORT_UNITS, now.short)
        metrics.set(catalogue.OVERSOLD_UNITS, now.oversold)

    async def lines(self, connection: Connection, _: Membership) -> None:
        """Tell of the lines that sell most, and of no more than the setting says."""
        found = await sample_top_lines(connection, self._lines_max)
        self._metrics.forget(catalogue.STOCK_LINE_UNITS)
        for line in found:
            states = {"available": line.available, "pooled": line.pooled}
            states |= {"held": line.held, "sold": line.sold}
            for state, units in states.items():
                self._metrics.set(catalogue.STOCK_LINE_UNITS, units, *line.key, state)

    async def drift(self, connection: Connection, _: Membership) -> None:
        """Recompute the counters of the next stock lines from their rows."""
        keys = await next_stock_keys(connection, self._slices.after, DRIFT_LINES_AT_ONCE)
        drifted = await list_drift(connection, keys) if keys else []
        self._slices.see(keys, drifted, size=DRIFT_LINES_AT_ONCE)
        if self._slices.after is None:  # once a round: those of which no slice knows
            lost = await lost_stock_keys(connection, DRIFT_LINES_AT_ONCE)
            self._slices.lost = await list_drift(connection, lost) if lost else []
        self._metrics.set(catalogue.DRIFT_UNITS, self._slices.units)

    def forget(self) -> None:
        """Tell nothing any more: another worker does."""
        self._slices = DriftSlices()
        self._metrics.forget(
            *(catalogue.STOCK_UNITS, catalogue.UNITS_HELD, catalogue.STOCK_LINE_UNITS)
        )
        for metric in (catalogue.SHORT_UNITS, catalogue.OVERSOLD_UNITS, catalogue.DRIFT_UNITS):
            self._metrics.set(metric, 0)
