"""What imports have in common: one at a time, all or nothing, and a word on what they did."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, TypeVar

from db.connect import Connection

# Any number will do: it only has to be the same in every process that imports.
_LOCK_KEY: Final = 4_267_331_002

REFUSALS_MAX: Final = 20
CHANGES_SHOWN_MAX: Final = 20
HOLDS_SHOWN_MAX: Final = 20

# Rows that one statement writes: far below the statement timeout on a slow machine.
_STEP_ROWS: Final = 50_000

# What is being done, how many rows are done, how many there are (0: nobody knows).
Progress = Callable[[str, int, int], None]


class Refusal(NamedTuple):
    """Why an import changes nothing: the line of the file, its column, and what is expected."""

    line: int
    column: str
    problem: str


class Change(NamedTuple):
    """What an import does to one row: from None to something where the row is new."""

    key: tuple[str, ...]
    before: str | None
    after: str


class HoldAtRisk(NamedTuple):
    """A hold of which units are not there any more, and how many of them."""

    organization_id: str
    experience_id: str
    consumer_id: str | None
    admission_id: str
    product_id: str
    variant_id: str
    quantity: int
    at_risk: int


@dataclass(frozen=True, slots=True)
class Shortage:
    """What an import did to units that are held, sold or set aside; `first` names a few holds."""

    lines: int  # that it made short
    units: int  # by so many units, together
    units_from_pools: int  # free units that it took out of pools
    units_covered: int  # that were short, and are there again
    units_sold_beyond: int  # short on lines that it made short, with no hold left to name
    holds: int  # that are at risk, or at greater risk
    units_at_risk: int  # of those holds, by this import
    holds_relieved: int  # that are at less risk, or at none
    first: tuple[HoldAtRisk, ...] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or with ``dry_run`` would do. `changes` are the first few of them."""

    new: int
    changed: int
    unchanged: int
    units: int  # added, less those taken away
    changes: tuple[Change, ...] = ()
    shortage: Shortage | None = None  # None: it concerned nothing that is held, sold or set aside


class HasLine(Protocol):
    """A row that knows its line in the file."""

    @property
    def line(self) -> int: ...


Row = TypeVar("Row")


def silent(step: str, done: int, total: int) -> None:
    """Report progress to nobody."""


async def wait_for_other_imports(connection: Connection) -> None:
    """Let one import run at a time, until the end of the transaction.

    So a line whose total is as the file says can stay unlocked: only imports change totals.
    A large import may take longer than a row may stay locked; hence the longer wait.
    """
    await connection.execute(
        f"SET LOCAL lock_timeout = '50s'; SELECT pg_advisory_xact_lock({_LOCK_KEY})"
    )


def reported(rows: Sequence[Row], step: str, progress: Progress) -> Iterator[Row]:
    """Give the rows, telling now and then how many are given."""
    for done, row in enumerate(rows):
        if done % 10_000 == 0:
            progress(step, done, len(rows))
        yield row


def line_ranges(
    rows: Sequence[HasLine], step: str, progress: Progress
) -> Iterable[tuple[int, int]]:
    """Cut a file into ranges of lines, first and last, of rows in the file's order."""
    for start in range(0, len(rows), _STEP_ROWS):
        progress(step, start, len(rows))
        yield rows[start].line, rows[min(start + _STEP_ROWS, len(rows)) - 1].line
