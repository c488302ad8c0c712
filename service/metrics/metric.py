"""What is to be said of a metric."""

from dataclasses import dataclass
from typing import Final, Literal

PREFIX: Final = "reservations_"

Kind = Literal["counter", "gauge", "histogram"]

# How the values of several workers are read together:
#   sum    each tells of what it did, or of lanes that nobody else owns
#   max    each tells the same, or of itself only: the worst is what counts
#   one    the owner of lane 0 tells of the whole database, and nobody else does
#   each   a worker's own: nothing is read together
Together = Literal["sum", "max", "one", "each"]

SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# For what may wait as long as a server is away.
LONG_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600)


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """A line of the catalogue. No label may name a person, or take more values than are known."""

    name: str  # base unit last, and `_total` for a counter: as Prometheus wants it
    kind: Kind
    unit: str
    labels: tuple[str, ...]
    together: Together
    meaning: str
    to_do: str
    buckets: tuple[float, ...] = ()

    @property
    def full_name(self) -> str:
        """Give the name that is scraped."""
        return PREFIX + self.name
