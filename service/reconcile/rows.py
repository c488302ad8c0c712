"""What is said of each line: as a row of a table, or as JSON."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from msgspec import to_builtins

from db.adjustments import OF_NO_LINE, Kept
from schemas.adjusted import CounterChange
from schemas.drift import LineCounts
from schemas.stock import StockKey
from service.reconcile.finding import LineFound

State = Literal["found", "repaired", "left"]

_OF_LANES: Final = "the lanes count other holds than are active"


@dataclass(frozen=True, slots=True)
class Row:
    """A line: what differs, why, what became of it, and if it was left, what to do."""

    key: StockKey
    changes: tuple[CounterChange, ...]
    cause: str
    state: State
    words: str = ""

    @property
    def name(self) -> str:
        """Give the line as people write it."""
        return name_of(self.key)

    def table(self) -> dict[str, Any]:
        """Give it for a table."""
        verdict = f"{self.state}: {self.words}" if self.words else self.state
        return {
            "stock_line": self.name,
            "drift": in_words(self.changes),
            "cause": self.cause,
            "verdict": verdict,
        }

    def document(self) -> dict[str, Any]:
        """Give it for JSON."""
        return {
            **self.key._asdict(),
            "changes": to_builtins(self.changes),
            "cause": self.cause,
            "verdict": self.state,
            "advice": self.words or None,
        }


def name_of(key: StockKey) -> str:
    """Give a stock line as people write it."""
    return "/".join(filter(None, key)) if key != OF_NO_LINE else "all lanes"


def in_words(changes: tuple[CounterChange, ...]) -> str:
    """Give what changes as words: "reserved 7 -> 2, pool_allocated of drop 1 -> 0"."""
    return ", ".join(
        f"{one.counter}{f' of {one.experience_id}' if one.experience_id else ''}"
        f" {one.before} -> {one.after}"
        for one in changes
    )


def row_of(
    line: LineFound,
    state: State,
    words: str = "",
    changes: tuple[CounterChange, ...] = (),
) -> Row:
    """Say what was done with a line, or where nothing was, what is to do."""
    return Row(line.key, changes or _planned(line), _cause(line), state, words)


def row_of_lanes(before: int, beyond: int, state: State) -> Row:
    """Say what becomes of the lanes' count of active holds."""
    change = CounterChange(counter="holds_active", before=before, after=before - beyond)
    return Row(OF_NO_LINE, (change,), _OF_LANES, state)


def row_of_kept(kept: Kept) -> dict[str, Any]:
    """Give a repair of before, for a table and for JSON."""
    done = kept.adjustment
    return {
        "adjusted_at": done.adjusted_at.isoformat(timespec="seconds"),
        "adjusted_by": kept.adjusted_by,
        "stock_line": name_of(done.key),
        "drift": in_words(done.changes),
        "cause": done.explanation,
        "lane": done.lane,
        "sequence": kept.sequence,
    }


def _cause(line: LineFound) -> str:
    if line.contradicted:
        return f"rows that are not what the journal says: {'; '.join(line.contradicted)}"
    return line.explanation


def _planned(line: LineFound) -> tuple[CounterChange, ...]:
    planned = []
    for (counter, experience_id), units in line.moves.items():
        before = _saved(line.counts, counter, experience_id)
        planned.append(
            CounterChange(
                counter=counter,
                before=before,
                after=before + units,
                experience_id=experience_id,
            )
        )
    if line.marks:
        planned.append(CounterChange(counter="marks", before=len(line.marks), after=0))
    return tuple(planned)


def _saved(counts: LineCounts | None, counter: str, experience_id: str | None) -> int:
    if experience_id is None:
        return int(getattr(counts, counter))
    pools = counts.pools if counts is not None else ()
    (pool,) = (one for one in pools if one.experience_id == experience_id)
    return int(getattr(pool, counter.removeprefix("pool_")) or 0)
