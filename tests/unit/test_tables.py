"""Tables on a terminal: boxes where they fit, and else nothing that is broken."""

import io
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from service.cli.narrow_table import Column, narrow_lines
from service.cli.output import say_table

LAMP = {
    **{"organization_id": "org_1", "product_id": "moon-lamp", "variant_id": "red"},
    **{"tracked": True, "received": 1200, "on_hand": 1200, "reserved": 3, "available": 1197},
    **{"allocated": 0, "pooled": 0, "sold": 0, "short": 0},
}
BOOK = LAMP | {"product_id": "e-book", "variant_id": "", "tracked": False, "available": 40}
DRIFT = {
    "stock_line": "acme/moon-lamp/large",
    "drift": "reserved 7 -> 2, pool_allocated of salon 1 -> 0",
    "cause": "5 units were never given back: reservation 0198b1c2-0000-8000-8000-000000000001",
    "verdict": "found",
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


Show = Callable[..., list[str]]


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> Show:
    """Print rows on a terminal that is so wide, and give the lines."""

    def show(*rows: dict[str, object], width: int) -> list[str]:
        terminal = Terminal()
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setattr("sys.stdout", terminal)
        say_table(rows, list(rows[0]))
        monkeypatch.undo()
        return re.sub(r"\x1b\[[\d;]*m", "", terminal.getvalue()).splitlines()

    return show


def test_a_table_that_fits_has_boxes(show: Show) -> None:
    lines = show({"check": "stock sold", "looked_at": 12}, width=80)

    assert lines[1] == "┃ check      ┃ looked at ┃"
    assert lines[3] == "│ stock sold │        12 │"


def test_numbers_that_do_not_fit_stand_below_by_name_and_in_line(show: Show) -> None:
    assert show(LAMP, BOOK, width=80) == [
        "organization  product    variant  tracked  received  on hand  reserved",
        "org_1         moon-lamp  red      yes          1200     1200         3",
        "    available: 1197  allocated: 0  pooled: 0  sold: 0  short: 0",
        "org_1         e-book              no           1200     1200         3",
        "    available:   40  allocated: 0  pooled: 0  sold: 0  short: 0",
    ]


def test_text_that_does_not_fit_stands_below_over_several_lines(show: Show) -> None:
    assert show(DRIFT, width=80) == [
        "stock line            drift",
        "acme/moon-lamp/large  reserved 7 -> 2, pool_allocated of salon 1 -> 0",
        "    cause: 5 units were never given back: reservation",
        "      0198b1c2-0000-8000-8000-000000000001",
        "    verdict: found",
    ]


def test_what_fits_without_boxes_is_a_table(show: Show) -> None:
    beside = show(LAMP, width=114)

    assert [len(line.split()) for line in beside] == [13, 12]  # "on hand" is one heading
    assert max(map(len, beside)) == 113


def test_nothing_is_said_of_text_that_is_not_there(show: Show) -> None:
    lines = show({"id": "a" * 40, "why": "c" * 40}, {"id": "b", "why": None}, width=60)

    assert lines == ["id", "a" * 40, "    why: " + "c" * 40, "b"]


def test_a_table_of_which_not_even_the_first_column_fits(show: Show) -> None:
    assert show({"id": "i" * 30, "at": 7}, width=20) == ["id", "i" * 30, "    at: 7"]


WORDS = some.text("abc-", min_size=1, max_size=12)
CELLS = some.lists(WORDS, max_size=6).map(" ".join)


@settings(max_examples=40)
@given(some.data(), some.integers(20, 120))
def test_no_word_is_broken_and_no_line_is_too_long(data: some.DataObject, width: int) -> None:
    rows = data.draw(some.integers(1, 3))
    table = [
        Column(f"h{n}", data.draw(some.lists(CELLS, min_size=rows, max_size=rows)))
        for n in range(data.draw(some.integers(1, 5)))
    ]

    lines = list(narrow_lines(table, width))

    told = " ".join(lines).split()
    for column in table:
        for cell in column.cells:
            assert [word for word in cell.split() if cell != "-" and word not in told] == []
    first = table[0].width
    assert [line for line in lines if len(line) > max(width, first)] == []
