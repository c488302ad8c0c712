"""A table that is wider than the terminal: what leads stays a table, the rest stands below by name.

    organization  product    variant  tracked  received  on hand  reserved
    org_1         moon-lamp  red      yes            12       12         3
        available:  9  allocated: 0  pooled: 0  sold: 0  short: 0
    org_1         star-lamp           yes            40       40         0
        available: 40  allocated: 0  pooled: 0  sold: 0  short: 0

No id and no number is broken, and what is below stands in the same place in each row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from textwrap import wrap
from typing import Final

GAP: Final = "  "
_INDENT: Final = "    "
_NOTHING: Final = ("", "-")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, a cell for each row, and whether these stand to the right."""

    heading: str
    cells: Sequence[str]
    is_right: bool = False

    @property
    def width(self) -> int:
        """Give how wide it is under its heading."""
        return max(len(self.heading), self.cells_width)

    @property
    def cells_width(self) -> int:
        """Give how wide it is without its heading."""
        return max(map(len, self.cells), default=0)

    @property
    def named_width(self) -> int:
        """Give how wide a cell is that stands behind its heading."""
        return len(f"{self.heading}: ") + self.cells_width

    def pad(self, text: str, width: int) -> str:
        """Fill a text up to a width."""
        return text.rjust(width) if self.is_right else text.ljust(width)


def table_lines(columns: Sequence[Column]) -> Iterator[str]:
    """Give the lines of a table, the headings first; two spaces apart."""
    rows = [[column.heading for column in columns]]
    rows += [list(row) for row in zip(*(column.cells for column in columns), strict=True)]
    for row in rows:
        padded = (column.pad(text, column.width) for column, text in zip(columns, row, strict=True))
        yield GAP.join(padded).rstrip()


def narrow_lines(columns: Sequence[Column], width: int) -> Iterator[str]:
    """Give the lines of a table for a terminal that is so wide, the headings first.

    A line is longer only where one word is.
    """
    leading = _leading(columns, width)
    below = list(_lines_below(columns[leading:], width - len(_INDENT)))
    heading, *rows = table_lines(columns[:leading])
    yield heading
    for at, row in enumerate(rows):
        yield row
        for together in below:
            yield from _named(together, at, width)


def _leading(columns: Sequence[Column], width: int) -> int:
    """Count the columns that fit side by side, but the first in any case."""
    widths = accumulate(len(GAP) + column.width for column in columns)
    return max(1, sum(used - len(GAP) <= width for used in widths))


def _lines_below(columns: Sequence[Column], width: int) -> Iterator[list[Column]]:
    """Put columns together that fit into a line; one that is too wide for any stands alone."""
    line: list[Column] = []
    used = 0
    for column in columns:
        if line and used + len(GAP) + column.named_width > width:
            yield line
            line, used = [], 0
        used += (len(GAP) if line else 0) + column.named_width
        line.append(column)
    if line:
        yield line


def _named(columns: Sequence[Column], at: int, width: int) -> Iterator[str]:
    """Give the cells of a row that stand in a line together, each behind its heading."""
    (first, *others) = columns
    if not others:  # text, it may be: without padding, and over as many lines as it needs
        if first.cells[at] not in _NOTHING:
            yield from _wrapped(f"{first.heading}: {first.cells[at]}", width)
        return
    named = (f"{one.heading}: {one.pad(one.cells[at], one.cells_width)}" for one in columns)
    yield (_INDENT + GAP.join(named)).rstrip()


def _wrapped(text: str, width: int) -> list[str]:
    return wrap(
        text,
        width,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT + GAP,
        break_long_words=False,
        break_on_hyphens=False,
    )
