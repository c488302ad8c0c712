"""Results become a table, JSON and plots, whatever was measured."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from types import CodeType
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console

from tests.benchmarks import __main__ as command
from tests.benchmarks.lines import LINES
from tests.benchmarks.plots import PLOTS, draw, points_of
from tests.benchmarks.results import keep, results_of, table_of
from tests.benchmarks.runs import GROUPS
from tests.benchmarks.seen import FULL, SHORT, AllSeen, Scale, Seen

SVG = "{http://www.w3.org/2000/svg}"


def two_runs(curves: dict[str, Any], **values: float) -> AllSeen:
    seen = AllSeen()
    for factor in (1.0, 3.0):
        seen.add(
            Seen(
                {name: value * factor for name, value in values.items()},
                {
                    plot: {name: [(x, y * factor) for x, y in points] for name, points in series}
                    for plot, series in ((plot, one.items()) for plot, one in curves.items())
                },
            )
        )
    return seen


def curves_of(plot: str) -> dict[str, list[tuple[float | str, float]]]:
    if PLOTS[plot].kind == "by part":
        return {"worker": [("load", 2.0), ("save", 0.5)], "Postgres": [("load", 1.0)]}
    return {"p50": [(1_000, 4.0), (20_000, 5.5)], "p99": [(1_000, 40.0), (20_000, 0.0)]}


def texts(svg: bytes) -> set[str]:
    return {one.text or "" for one in ElementTree.fromstring(svg).iter(f"{SVG}text")}


@pytest.mark.parametrize("plot", PLOTS)
def test_plot_is_an_svg_that_says_what_it_shows(plot: str) -> None:
    points = {name: points_of(PLOTS[plot].kind, [many]) for name, many in curves_of(plot).items()}

    svg = draw(plot, points)

    assert ElementTree.fromstring(svg).tag == f"{SVG}svg"
    assert {PLOTS[plot].title, PLOTS[plot].y, *points} <= texts(svg)
    ticks = {"load", "save"} if PLOTS[plot].kind == "by part" else {"20,000"}
    assert ticks <= texts(svg)


@pytest.mark.parametrize("plot", ["batches", "storm", "profile"])
def test_same_results_give_the_same_bytes_without_a_date_or_a_script(plot: str) -> None:
    points = {name: points_of(PLOTS[plot].kind, [many]) for name, many in curves_of(plot).items()}

    svg = draw(plot, points)

    assert svg == draw(plot, points)
    assert b"<!--" not in svg
    assert b"<script" not in svg


def test_runs_of_a_size_are_summed_up_and_of_time_the_last_one_is_kept() -> None:
    runs = [[(10, 3.0), (20, 1.0)], [(10, 5.0), (20, 2.0)], [(10, 4.0), (20, 123.456)]]

    by_size = points_of("by size", runs)

    assert [(one["x"], one["min"], one["median"], one["max"]) for one in by_size] == [
        (10, 3.0, 4.0, 5.0),
        (20, 1.0, 2.0, 123.456),
    ]
    assert points_of("over time", runs) == [[10, 4.0], [20, 123.5]]


def test_results_are_kept_with_a_plot_each_beside_those_of_other_groups(tmp_path: Path) -> None:
    earlier = two_runs({"growth": curves_of("growth")}, failover=4.0, peers=20.0)
    keep(results_of(earlier, SHORT), tmp_path)
    later = two_runs({"storm": curves_of("storm")}, peers=9.0, other=1.0)

    path = keep(results_of(later, SHORT), tmp_path)

    kept = json.loads(path.read_text())
    assert {name: one["median"] for name, one in kept["lines"].items()} == {
        "peers": 18.0,
        "failover": 8.0,
    }
    assert list(kept["lines"]) == ["peers", "failover"]  # in the order of the table
    assert set(kept["curves"]) == {"growth", "storm"}
    assert {one.name for one in tmp_path.iterdir()} == {
        "short.json",
        "short-growth.svg",
        "short-storm.svg",
    }


def test_who_draws_before_anything_was_measured_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "RESULTS", tmp_path)
    monkeypatch.setattr("sys.argv", ["benchmarks", "--plots"])

    with pytest.raises(SystemExit, match="nothing to draw: measure first, with `make bench`"):
        command.main()


@pytest.mark.parametrize(("scale", "due"), [(SHORT, "10,000 of 100,000"), (FULL, "100,000 of")])
def test_table_says_what_was_measured_at_this_scale(scale: Scale, due: str) -> None:
    seen = two_runs({plot: curves_of(plot) for plot in PLOTS}, **dict.fromkeys(LINES, 1.0))
    told = StringIO()

    Console(file=told, width=200).print(table_of(results_of(seen, scale)))

    text = told.getvalue()
    assert due in text
    assert "{" not in text
    assert all(part in text for part in ("at least 15", "at most 500", "falls short", "holds"))
    assert "Throughput by size of a batch: p50, 20,000 records in a batch" in text


def test_every_line_and_every_plot_is_measured_by_a_group() -> None:
    told = {word for group in GROUPS.values() for word in words_in(group.__code__)}

    assert LINES.keys() <= told
    assert PLOTS.keys() <= told


def words_in(constant: Any) -> Iterator[str]:
    """Give the strings that are written in code."""
    match constant:
        case str():
            yield constant
        case CodeType(co_consts=inner) | tuple(inner):
            for one in inner:
                yield from words_in(one)
