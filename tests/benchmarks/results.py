"""What is kept of the measurements, and shown: a table, JSON, and plots."""

import json
import os
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from tests.benchmarks.lines import LINES, figure, summary
from tests.benchmarks.plots import PLOTS, draw, points_of
from tests.benchmarks.seen import FULL, SHORT, AllSeen, Scale

RESULTS: Final = Path(__file__).parent / "results"

_COLUMNS: Final = ("what", "min", "median", "max", "promised", "aim", "")


def results_of(seen: AllSeen, scale: Scale) -> dict[str, Any]:
    """Give what is kept: the lines that promise something, what else was seen, and curves."""
    values = seen.values
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "full": scale is FULL,
        "lines": {name: summary(values[name]) for name in LINES if name in values},
        "seen": {what: summary(all_) for what, all_ in values.items() if what not in LINES},
        "curves": {
            plot: {name: points_of(PLOTS[plot].kind, runs) for name, runs in series.items()}
            for plot, series in seen.curves.items()
        },
    }


def keep(results: dict[str, Any], directory: Path = RESULTS) -> Path:
    """Write the results and their plots, and give the file.

    Groups that were left out keep what an earlier run of that scale found.
    """
    scale = "full" if results["full"] else "short"
    path = directory / f"{scale}.json"
    before = json.loads(path.read_text()) if path.exists() else {}
    for part in ("lines", "seen", "curves"):
        results[part] = {**before.get(part, {}), **results[part]}
    results["lines"] = {name: results["lines"][name] for name in LINES if name in results["lines"]}
    directory.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=2) + "\n")
    for name, curves in results["curves"].items():
        (directory / f"{scale}-{name.replace(' ', '-')}.svg").write_bytes(draw(name, curves))
    return path


def rows_of(results: dict[str, Any]) -> list[list[str]]:
    """Give the table's rows: what, least, median, most; of a line what is promised and aimed at."""
    sizes = asdict(FULL if results["full"] else SHORT)
    rows = []
    for name, found in results["lines"].items():
        line = LINES[name]
        figures = [f"{figure(found[part])} {line.unit}" for part in ("min", "median", "max")]
        word = "at least" if line.more_is_better else "at most"
        rows.append(
            [line.what.format(**sizes), *figures, f"{word} {line.promised:g}", f"{line.aim:g}"]
        )
    return rows + [[what, *_figures(found), "", ""] for what, found in results["seen"].items()]


def table_of(results: dict[str, Any]) -> Table:
    """Give the table."""
    table = Table(*_COLUMNS, title="The worker, measured")
    holds = {name: LINES[name].holds(found["median"]) for name, found in results["lines"].items()}
    verdicts = [
        "[green]holds[/]" if it_does else "[red]falls short[/]" for it_does in holds.values()
    ]
    for row, verdict in zip_longest(rows_of(results), verdicts, fillvalue=""):
        table.add_row(*row, verdict)
    for plot, curves in results["curves"].items():
        if PLOTS[plot].kind != "over time":
            _add_curves(table, plot, curves)
    return table


def show(results: dict[str, Any]) -> None:
    """Print the table."""
    Console(width=None if os.isatty(1) else 140).print(table_of(results))


def _add_curves(table: Table, plot: str, curves: dict[str, Any]) -> None:
    for series, points in curves.items():
        for point in points:
            at = point["x"] if isinstance(point["x"], str) else f"{point['x']:,}"
            what = f"{PLOTS[plot].title}: {series}, {at} {PLOTS[plot].x}".rstrip()
            table.add_row(what, *_figures(point))


def _figures(found: dict[str, float]) -> list[str]:
    return [figure(found[part]) for part in ("min", "median", "max")]
