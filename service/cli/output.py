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

from service.cli.narrow_table import Column, narrow_lines, table_lines

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
    is_terminal = sys.stdout.isatty()
    table = [
        Column(
            _heading(name) if is_terminal else name,
            [_cell(row[name]) for row in rows],
            is_right=any(type(row[name]) is int for row in rows),
        )
        for name in columns
    ]
    if is_terminal:
        _say_on_terminal(table)
        return
    for line in table_lines(table):
        say(line)


def _heading(name: str) -> str:
    return name.removesuffix("_id").replace("_", " ")


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)


def _say_on_terminal(columns: Sequence[Column]) -> None:
    """Print a table with boxes where that fits into the terminal."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if sum(column.width + len(" | ") for column in columns) < console.width:
        table = Table()
        for column in columns:
            table.add_column(column.heading, justify="right" if column.is_right else "left")
        for row in zip(*(column.cells for column in columns), strict=True):
            table.add_row(*map(escape, row))
        console.print(table)
        return
    heading, *lines = narrow_lines(columns, console.width)
    console.print(Text(heading, style="bold"), soft_wrap=True)
    for line in lines:
        console.print(Text(line), soft_wrap=True)


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
