"""The example of a reader: what it makes of outcomes is what the worker's rows say."""

import json
import sqlite3
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import pytest

from schemas.outcomes import Outcome
from tests.deployment import DEPLOY
from tests.simulation.generate import Kind, scenario
from tests.simulation.play import Code
from tests.unit.world import tell

Row = dict[str, Any]


def _load() -> Any:
    spec = spec_from_file_location("analytics", DEPLOY / "examples" / "analytics.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


analytics = _load()


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    database = analytics.open_database(":memory:")
    yield database
    database.close()


def take(database: sqlite3.Connection, outcomes: list[Outcome], *, first: int = 1) -> None:
    """Take outcomes as those of one lane, numbered from `first`."""
    for number, outcome in enumerate(outcomes, start=first):
        analytics.take(database, 0, number + 100, number, outcome.body())


def table(database: sqlite3.Connection) -> list[Row]:
    found = database.execute("SELECT * FROM experiences")
    names = [name for name, *_ in found.description]
    return [dict(zip(names, row, strict=True)) for row in found]


SALE = """
    stock  moon-lamp 4
    10:00  admit ada moon-lamp 1 in=drop
    10:00  admit bo  moon-lamp 1 in=drop
    10:00  admit cyd moon-lamp 1 in=drop
    10:00  admit dee moon-lamp 1 in=drop
    10:00  admit eli moon-lamp 1 in=drop
    10:01  paid  ada in=drop
    10:03  paid  bo  in=drop
    10:04  left  cyd in=drop
"""


def test_it_counts_holds_sales_times_and_refusals(database: sqlite3.Connection) -> None:
    take(database, tell(SALE).outcomes)

    assert table(database) == [
        {
            "experience": "drop",
            "holds": 4,
            "still_held": 1,
            "paid": 2,
            "paid_percent": 50.0,
            "seconds_to_pay": 120.0,  # of 60 and 180
            "refusals": 1,
        }
    ]


def test_what_comes_again_changes_nothing(database: sqlite3.Connection) -> None:
    outcomes = tell(SALE).outcomes
    take(database, outcomes)
    once = table(database)

    take(database, outcomes)
    take(database, outcomes[3:5], first=4)

    assert table(database) == once
    assert analytics.gaps(database) == []
    assert database.execute("SELECT sequence FROM lanes").fetchall() == [(len(outcomes),)]


def test_a_gap_is_found_once_and_the_rest_is_counted(
    database: sqlite3.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = tell(SALE).outcomes
    take(database, outcomes[:2])
    take(database, outcomes[4:], first=5)
    take(database, outcomes[4:], first=5)

    analytics.show(database)

    printed = capsys.readouterr()
    assert analytics.gaps(database) == [(0, 2, 5)]
    assert printed.err == "lane 0: outcomes 3 to 4 are missing\n"
    assert [line.split()[:2] for line in printed.out.splitlines()] == [
        ["experience", "holds"],
        ["drop", "2"],
    ]


def test_what_it_does_not_know_is_passed_over(database: sqlite3.Connection) -> None:
    body = {"type": "polished", "consumerId": "ada", "reservationId": "r-1", "shine": 3}

    analytics.take(database, 0, 0, 1, json.dumps(body).encode())

    assert table(database) == []
    assert database.execute("SELECT next_offset, sequence FROM lanes").fetchall() == [(1, 1)]


def test_an_order_that_was_cancelled_is_no_sale(database: sqlite3.Connection) -> None:
    story = "10:05  cancel ada order=o-1"
    take(database, tell(SALE.replace("paid  ada", "paid  ada order=o-1") + story).outcomes)

    assert [(row["holds"], row["paid"]) for row in table(database)] == [(4, 1)]


def change(type_: str, units: int, offset: int, **more: str) -> Row:
    """Give an outcome of one reservation, of the record at an offset."""
    facts = {"type": type_, "quantity": units, "reservationId": "r-1", "experienceId": "drop"}
    cause = {"topic": "checkout-completed", "partition": 0, "offset": offset}
    return facts | {"cause": cause, "occurredAt": "2026-11-22T12:00:00Z"} | more


@pytest.mark.parametrize(("offset", "paid", "still_held"), [(2, 1, 0), (3, 0, 1)])
def test_a_part_that_is_released_leaves_the_sale_that_it_came_with_and_no_other(
    database: sqlite3.Connection, offset: int, paid: int, still_held: int
) -> None:
    analytics.fold(database, change("reserved", 3, 1))
    analytics.fold(database, change("converted", 1, 2))
    analytics.fold(database, change("released", 2, offset, reason="not_purchased"))

    [row] = table(database)
    assert (row["paid"], row["still_held"]) == (paid, still_held)


@pytest.mark.parametrize("kind", ["enough", "scarce"])
@pytest.mark.parametrize("seed", range(30))
def test_each_ends_as_its_row_does_whatever_happens(
    database: sqlite3.Connection, seed: int, kind: Kind
) -> None:
    """Histories of the simulation: any order, corrections, too little stock."""
    made = scenario(seed, kind)
    code = Code(made)
    for step in made.steps:
        code.apply([step])

    for outcome in code.world.outcomes:
        analytics.fold(database, json.loads(outcome.body()))

    rows = {str(row.id): row for row in code.world.reservations.values()}
    found = database.execute(f"SELECT reservation_id, units, {STATUS} FROM reservations")
    for reservation_id, units, status in found:
        row = rows.pop(reservation_id)
        assert status == row.status
        assert status != "active" or units == row.quantity
    assert not rows


STATUS = "coalesce(ended, CASE WHEN held_at IS NULL THEN 'rejected' ELSE 'active' END)"
