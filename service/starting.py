"""The start of an installation, shown: a bar per part on a terminal, else a line per step."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from service.embedded import OnProgress
from service.embedded import Progress as Step

_PARTS: Final = ("Postgres", "Kafka", "Tables", "Worker")
_STEPS: Final = 8  # of a download of many files, so many lines are printed without a terminal


@contextmanager
def starting(console: Console, *, plain: bool) -> Iterator[OnProgress]:
    """Show what is reported until the block ends."""
    if plain:
        yield _Lines(console)
        return
    bars = Progress(
        TextColumn("  {task.description:<9}"),
        BarColumn(bar_width=28, style="bright_black", complete_style="cyan"),
        TextColumn("{task.fields[step]:<28}", style="bright_black"),
        TimeElapsedColumn(),
        console=console,
    )
    tasks = {part: bars.add_task(part, total=1.0, step="waiting", start=False) for part in _PARTS}
    with bars:
        yield lambda step: _show(bars, tasks[step.server], step)


def _show(bars: Progress, task: TaskID, step: Step) -> None:
    bars.start_task(task)
    bars.update(task, completed=step.done, step=step.step)


class _Lines:
    """Prints a step once, and of a count only some."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: set[tuple[str, str, int]] = set()

    def __call__(self, step: Step) -> None:
        kind = (step.server, step.step.split()[0], int(step.done * _STEPS))
        if kind not in self._said:
            self._said.add(kind)
            self._console.print(f"{step.server}: {step.step}", highlight=False)
