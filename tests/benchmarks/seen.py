"""What a run saw, and how much it was asked to look at."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

Point = tuple[float | str, float]  # x and y
Curves = Mapping[str, Mapping[str, list[Point]]]  # by plot, by series


@dataclass(frozen=True, slots=True)
class Seen:
    """What one run of a group saw: values by name, and points of plots.

    Those that a line of the table promises have its name.
    """

    values: Mapping[str, float]
    curves: Curves = field(default_factory=dict)


@dataclass(slots=True)
class AllSeen:
    """What all runs saw; a curve is kept run by run."""

    values: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    curves: defaultdict[str, defaultdict[str, list[list[Point]]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def add(self, seen: Seen) -> None:
        """Keep what one more run saw."""
        for what, value in seen.values.items():
            self.values[what].append(value)
        for plot, series in seen.curves.items():
            for name, points in series.items():
                self.curves[plot][name].append(points)


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured."""

    backlog: int  # events
    backlogs: tuple[int, ...]  # events of each
    batch_sizes: tuple[int, ...]  # records at most
    peers: int  # events, of which a peer does some hundreds a second
    rates: tuple[int, ...]  # events a second, beside those that the table names
    seconds: float  # of each rate
    footprint: int  # events
    holds: int  # active ones in the tables
    due: int  # of them at once
    rows: tuple[int, ...]  # in each of the large tables


SHORT: Final = Scale(
    backlog=20_000,
    backlogs=(1_000, 5_000, 20_000),
    batch_sizes=(100, 500, 2_000, 4_000),
    peers=2_000,
    rates=(500,),
    seconds=10,
    footprint=50_000,
    holds=100_000,
    due=10_000,
    rows=(10_000, 100_000),
)
FULL: Final = Scale(
    backlog=100_000,
    backlogs=(1_000, 5_000, 20_000, 100_000),
    batch_sizes=(50, 200, 500, 1_000, 2_000, 4_000, 10_000),
    peers=10_000,
    rates=(200, 500, 1_000),
    seconds=60,
    footprint=1_000_000,
    holds=1_000_000,
    due=100_000,
    rows=(10_000, 100_000, 1_000_000, 5_000_000),
)
