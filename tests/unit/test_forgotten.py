"""What is from before the horizon of pruning: told from what is known, and never applied."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reservations.book import Book
from reservations.decide import decide
from reservations.forgotten import is_forgotten
from schemas.events import (
    AdmissionEnded,
    Admitted,
    AnyEvent,
    Arrival,
    CartUpdated,
    Cause,
    CheckoutCompleted,
    Item,
    OrderCancelled,
)
from schemas.stock import StockKey, StockLine
from schemas.trace import Trace

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
WHO: dict[str, Any] = {"event_id": "e", "organization_id": "acme", "consumer_id": "ada"}
TRACE = Trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
LAMPS = (Item("lamp", "", 2),)


def admitted(at: datetime = NOON, **more: str) -> Admitted:
    return Admitted(**WHO | more, admitted_at=at, items=LAMPS)


def paid(at: datetime = NOON, **more: str) -> CheckoutCompleted:
    return CheckoutCompleted(**WHO | more, completed_at=at, order_id="o-1")


def book_of(pruned_before: datetime) -> Book:
    book = Book()
    book.pruned_before = pruned_before
    key = StockKey("acme", "lamp", "")
    book.stock[key] = StockLine(key, tracked=True, on_hand=5, reserved=0, allocated=0, sold=0)
    return book


def told(book: Book, *events: AnyEvent) -> list[tuple[str, str | None]]:
    """Decide events, and give type and reason of what is said."""
    said = len(book.changes.outcomes)
    arrivals = [
        Arrival(event, 3, Cause("topic", 3, offset, 0, "e"), TRACE)
        for offset, event in enumerate(events)
    ]
    changes = decide(book, arrivals)
    return [(one.type, one.reason) for one in changes.outcomes[said:]]


@pytest.mark.parametrize(
    "event",
    [
        admitted(),
        paid(),
        AdmissionEnded(**WHO, ended_at=NOON, end="left"),
        CartUpdated(**WHO, updated_at=NOON, items=LAMPS),
        OrderCancelled(**WHO, cancelled_at=NOON, order_id="o-1"),
    ],
    ids=lambda event: type(event).__name__,
)
def test_what_may_have_been_forgotten_is_refused_and_said(event: AnyEvent) -> None:
    book = book_of(NOON + MOMENT)

    assert told(book, event) == [("orphaned", "too_old")]
    (outcome,) = book.changes.outcomes
    assert (outcome.consumer_id, outcome.occurred_at, outcome.lane) == ("ada", NOON, 3)
    assert (outcome.cause.topic, outcome.cause.offset) == ("topic", 0)
    assert outcome.trace == TRACE
    assert outcome.order_id == getattr(event, "order_id", None)
    assert book.changes.results["topic", "refused"] == 1
    kept = (book.changes.new_admissions, book.changes.new_reservations, book.changes.new_facts)
    assert kept == ({}, {}, {})


def test_the_horizon_itself_is_kept() -> None:
    assert not is_forgotten(book_of(NOON), paid())
    assert is_forgotten(book_of(NOON + MOMENT), paid())
    assert not is_forgotten(Book(), paid())


def test_what_is_about_a_known_admission_is_applied() -> None:
    book = book_of(NOON - MOMENT)
    assert told(book, admitted(admission_id="a")) == [("reserved", None)]
    book.pruned_before = NOON + timedelta(hours=1)

    again = admitted(admission_id="a")
    sold = paid(NOON + timedelta(seconds=5), admission_id="a")

    assert told(book, again, sold, sold) == [("converted", None)]
    assert book.changes.results["topic", "duplicate"] == 2


def test_what_is_known_and_names_no_admission_is_a_duplicate() -> None:
    book = book_of(NOON - MOMENT)
    told(book, admitted(), paid())
    book.pruned_before = NOON + timedelta(hours=1)

    assert told(book, paid()) == []


def test_what_names_no_admission_is_not_guessed_to_be_of_one() -> None:
    book = book_of(NOON - MOMENT)
    told(book, admitted())
    book.pruned_before = NOON + timedelta(hours=1)

    assert told(book, paid()) == [("orphaned", "too_old")]


def test_an_early_fact_stays_when_its_admission_is_too_old() -> None:
    book = book_of(NOON - MOMENT)
    told(book, paid())
    book.pruned_before = NOON + timedelta(hours=1)

    assert told(book, admitted()) == [("orphaned", "too_old")]
    assert len(book.changes.new_facts) == 1
