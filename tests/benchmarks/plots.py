"""Plots of what was measured, as SVG: the same results give the same bytes."""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import pygal
from pygal.style import Style

from tests.benchmarks.lines import summary
from tests.benchmarks.seen import Point

# pygal adds a finder of modules of a kind that Python 3.11 warns of whenever one is not found.
sys.meta_path[:] = [finder for finder in sys.meta_path if hasattr(finder, "find_spec")]

Kind = Literal["by size", "over time", "by part"]

_FONT: Final = "system-ui, sans-serif"
_STYLE: Final = Style(
    background="white",
    plot_background="white",
    font_family=_FONT,
    title_font_family=_FONT,
    label_font_family=_FONT,
    major_label_font_family=_FONT,
    legend_font_family=_FONT,
    label_font_size=12,
    major_label_font_size=12,
    colors=("#1f77b4", "#ff7f0e", "#d62728", "#2ca02c"),
    guide_stroke_color="#ddd",
    major_guide_stroke_color="#ccc",
    stroke_width="2",
)


@dataclass(frozen=True, slots=True)
class Plot:
    """What is drawn. By size: the median of all runs, with a bar from the least to the most.

    Over time: the last run as it was. By part: the medians, one bar each.
    """

    title: str
    x: str
    y: str
    kind: Kind = "by size"


PLOTS: Final[dict[str, Plot]] = {
    "batches": Plot("Throughput by size of a batch", "records in a batch, at most", "events/s"),
    "backlogs": Plot("Throughput by backlog", "events that wait for one worker", "events/s"),
    "latency": Plot("From sent to readable, by rate", "events/s", "ms"),
    "storm": Plot(
        "Holds that are due at once", "seconds since then", "holds expired, readable", "over time"
    ),
    "meanwhile": Plot(
        "500 admissions/s meanwhile: from sent to readable", "seconds since then", "ms", "over time"
    ),
    "memory": Plot("Memory of a worker", "events applied", "MB resident", "over time"),
    "growth": Plot("Throughput by size of the tables", "rows in each table", "events/s"),
    "growth latency": Plot(
        "500 admissions/s by size of the tables: from sent to readable", "rows in each table", "ms"
    ),
    "profile": Plot("Where the time of an event goes", "", "us", "by part"),
}


def points_of(kind: Kind, runs: Sequence[Sequence[Point]]) -> list[Any]:
    """Give what is kept of a curve: of one over time the last run, of others what all runs saw."""
    if kind == "over time":
        return [[_rounded(x), _rounded(y)] for x, y in runs[-1]]
    seen: dict[float | str, list[float]] = {}
    for x, y in (point for run in runs for point in run):
        seen.setdefault(x, []).append(y)
    return [{"x": x, **summary(values)} for x, values in seen.items()]


def draw(name: str, curves: Mapping[str, Sequence[Any]]) -> bytes:
    """Draw a plot of points as `points_of` gives them."""
    plot = PLOTS[name]
    chart = _CHARTS[plot.kind](
        title=plot.title,
        x_title=plot.x,
        y_title=plot.y,
        style=_STYLE,
        width=800,
        height=400,
        legend_at_bottom=True,
        legend_at_bottom_columns=len(curves),
        show_legend=len(curves) > 1,
        include_x_axis=True,
        js=[],
        dots_size=3,
        truncate_label=-1,
        x_label_rotation=20 if plot.kind == "by part" else 0,
        value_formatter=_number,
        range=(0, 1.05 * _most(plot.kind, curves)),
    )
    chart.uuid = name.replace(" ", "-")  # else another one each time
    chart.add_xml_filter(_without_date_and_script)
    if plot.kind == "over time":
        chart.x_value_formatter = _number
        for series, points in curves.items():
            chart.add(series, [tuple(point) for point in points], show_dots=False)
    else:
        _add_by_x(chart, curves)
    return bytes(chart.render())


_CHARTS: Final = {"by size": pygal.Line, "over time": pygal.XY, "by part": pygal.StackedBar}


def _most(kind: Kind, curves: Mapping[str, Sequence[Any]]) -> float:
    """Give the largest value, which has to fit with its bar."""
    if kind == "over time":
        return max(float(y) for points in curves.values() for _, y in points)
    found: dict[Any, list[float]] = {}
    for point in (point for points in curves.values() for point in points):
        found.setdefault(point["x"], []).append(point["median" if kind == "by part" else "max"])
    return max(sum(one) if kind == "by part" else max(one) for one in found.values())


def _add_by_x(chart: Any, curves: Mapping[str, Sequence[Any]]) -> None:
    found = {name: {point["x"]: point for point in points} for name, points in curves.items()}
    places = list(dict.fromkeys(x for points in found.values() for x in points))
    chart.x_labels = [_number(x) if isinstance(x, int | float) else x for x in places]
    with_range = not isinstance(chart, pygal.StackedBar)
    for series, points in found.items():
        chart.add(series, [_value(points.get(x), with_range) for x in places])


def _value(point: Mapping[str, float] | None, with_range: bool) -> Any:
    if point is None:
        return None
    if not with_range or point["min"] == point["max"]:
        return point["median"]
    return {"value": point["median"], "ci": {"low": point["min"], "high": point["max"]}}


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.1f}"


def _rounded(value: float | str) -> float:
    """Give four digits: what a plot shows, in a file that people compare."""
    number = float(value)
    return round(number, 3 - math.floor(math.log10(abs(number)))) if number else 0.0


def _without_date_and_script(root: Any) -> Any:
    for parent in list(root.iter()):
        for child in list(parent):
            if not isinstance(child.tag, str) or child.tag.endswith("script"):
                parent.remove(child)
    return root
