"""Undersold seconds: units lay free while shoppers were refused as many. Pure, by samples."""

from collections.abc import Iterable, Mapping
from typing import Final

from schemas.adjusted import AnyOutcome
from schemas.outcomes import Outcome
from schemas.stock import PoolKey, StockKey

Key = StockKey | PoolKey

KEYS_MAX: Final = 200  # that are looked at in a sample: a crowd wants few lines

_FOR_WANT_OF_UNITS: Final = frozenset({"insufficient_stock", "pool_exhausted"})


class Undersold:
    """Counts by refusals and by samples of what is free.

    To be refused and to see a unit come back a moment later is bad luck. Where there were refusals
    between two samples and before the first, and both found as many units free as the least that
    was refused, the time between them counts.
    """

    def __init__(self) -> None:
        self.refused: dict[Key, int] = {}  # the least that was refused since the last sample
        self._free_at: dict[Key, float] = {}  # refused and free, as the last sample found

    def note(self, outcomes: Iterable[AnyOutcome]) -> None:
        """Note refusals."""
        for one in outcomes:
            if one.type == "rejected" and one.reason in _FOR_WANT_OF_UNITS:
                key, units = _key(one), one.quantity or 0
                if key in self.refused or len(self.refused) < KEYS_MAX:
                    self.refused[key] = min(units, self.refused.get(key, units))

    def take(self) -> dict[Key, int]:
        """Give the refusals since the last time."""
        refused, self.refused = self.refused, {}
        return refused

    def see(self, now: float, refused: Mapping[Key, int], free: Mapping[Key, int]) -> float:
        """Note what is free of what was refused, and give the seconds that this adds."""
        still = {key for key, units in refused.items() if 0 < units <= free.get(key, 0)}
        since = [self._free_at[key] for key in still & self._free_at.keys()]
        self._free_at = dict.fromkeys(still, now)
        return now - min(since) if since else 0.0


def _key(outcome: Outcome) -> Key:
    line = (outcome.product_id or "", outcome.variant_id or "")
    if outcome.strategy == "pool":
        return PoolKey(outcome.organization_id, outcome.experience_id or "", *line)
    return StockKey(outcome.organization_id, *line)
