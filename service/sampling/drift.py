"""Drift, a slice of stock lines at a time: pure, by the slices that were looked at."""

from collections.abc import Iterable, Sequence

from schemas.drift import LineCounts
from schemas.stock import StockKey


class DriftSlices:
    """Goes round all stock lines; what drifted counts until its slice is looked at once more."""

    def __init__(self) -> None:
        self.after: StockKey | None = None  # None: the next slice is the first
        self.lost: Sequence[LineCounts] = ()  # lines that are gone, and have reservations
        self._units: dict[StockKey, int] = {}

    def see(self, keys: Sequence[StockKey], drifted: Iterable[LineCounts], *, size: int) -> None:
        """Note a slice of lines, in key order, of which these have drifted."""
        begin, self.after = self.after, keys[-1] if len(keys) == size else None
        for key in [key for key in self._units if self._is_in_slice(key, begin)]:
            del self._units[key]
        self._units |= {line.key: line.units for line in drifted}

    def _is_in_slice(self, key: StockKey, begin: StockKey | None) -> bool:
        return (begin is None or key > begin) and (self.after is None or key <= self.after)

    @property
    def units(self) -> int:
        """Give the units by which lines have drifted, as far as is known."""
        return sum(self._units.values()) + sum(line.units for line in self.lost)
