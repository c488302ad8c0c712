"""The lines of the table: what is measured, what is promised, and what was aimed at."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final, Literal

Unit = Literal["x", "ms", "s", "MB"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `promised` is the least where more is better, and the most where less is.

    Sizes in `what` are filled in by the scale: {holds}, {due} and {footprint}.
    """

    what: str
    unit: Unit
    promised: float
    aim: float

    @property
    def more_is_better(self) -> bool:
        return self.aim > self.promised

    def holds(self, value: float) -> bool:
        """Tell whether a value is what is promised, or better."""
        return value >= self.promised if self.more_is_better else value <= self.promised


# Each a ratio in one run on one machine, or what a person would feel.
LINES: Final[dict[str, Line]] = {
    "peers": Line("backlog: over the best peer, a transaction a message", "x", 15, 25),
    "copy": Line("backlog: over plain COPY of the rows", "x", 0.30, 0.5),
    "hot": Line("backlog: one hot product over a thousand", "x", 0.9, 1.0),
    "mixed": Line("backlog: everything that a sale sends over admissions only", "x", 0.6, 0.8),
    "workers": Line("two workers over one", "x", 1.2, 1.6),
    "full": Line("backlog: with {holds:,} active holds over none", "x", 0.9, 1.0),
    "busy": Line("p99 from sent to readable at 2,000/s", "ms", 80, 40),
    "idle": Line("p99 from sent to readable at 50/s", "ms", 40, 20),
    "storm": Line("{due:,} of {holds:,} holds due at once: all expired and readable", "s", 15, 8),
    "storm p99": Line("p99 of 500/s meanwhile", "ms", 500, 250),
    "tick": Line("a tick with nothing due: at {holds:,} active holds over 1,000", "x", 1.5, 1.0),
    "memory": Line("memory of a worker within {footprint:,} events, at most", "MB", 200, 120),
    "flat": Line("the same: in the end over after a tenth, and 30,000 at least", "x", 1.1, 1.0),
    "failover": Line("kill -9 until an event of its lanes is readable", "s", 15, 8),
}


def summary(values: Sequence[float]) -> dict[str, Any]:
    """Give what is told of several runs."""
    return {"runs": list(values), "min": min(values), "median": median(values), "max": max(values)}


def figure(value: float) -> str:
    """Give three digits, and all of what is before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
