"""What commands print: tables and JSON on stdout, progress on stderr.

Without a terminal there are no colours and no boxes: columns are two spaces apart, lines are
never cut.
"""

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

# A step that is shorter than this needs no progress bar.
_SHOW_AFTER_SECONDS: Final = 2.0

Report = Callable[[str, int, int], None]


def say(line: str) -> None:
    """Print a line on stdout."""
    sys.stdout.write(f"{line}\n")


def note(line: str) -> None:
    """Print a line on stderr, beside the answer."""
    sys.stderr.write(f"{line}\n")


def say_json(value: Any) -> None:
    """Print JSON on stdout."""
    say(json.dumps(value, indent=2, ensure_ascii=False))


def say_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print rows under their columns; numbers stand to the right."""
    cells = [[_cell(row[column]) for column in columns] for row in rows]
    right = [any(type(row[column]) is int for row in rows) for column in columns]
    if sys.stdout.isatty():
        _say_rich_table(columns, cells, right)
    else:
        _say_plain_table(columns, cells, right)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)


def _say_rich_table(
    columns: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool]
) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table()
    for column, is_right in zip(columns, right, strict=True):
        heading = column.removesuffix("_id").replace("_", " ")
        table.add_column(heading, justify="right" if is_right else "left", overflow="fold")
    for row in cells:
        table.add_row(*map(escape, row))
    Console().print(table)


def _say_plain_table(
    columns: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool]
) -> None:
    lines = [list(columns), *cells]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    for line in lines:
        padded = [
            text.rjust(width) if is_right else text.ljust(width)
            for text, width, is_right in zip(line, widths, right, strict=True)
        ]
        say("  ".join(padded).rstrip())


@contextmanager
def progress() -> Iterator[Report]:
    """Show a bar on stderr, if it is a terminal and the work takes longer than a moment."""
    if not sys.stderr.isatty():
        yield lambda step, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("line {task.completed:,.0f}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task("reading", total=None)
    timer = threading.Timer(_SHOW_AFTER_SECONDS, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield lambda step, done, total: bar.update(
            task, description=step, completed=done, total=total or None
        )
    finally:
        timer.cancel()
        bar.stop()
