"""The demo's sale is the same for the same seed, and everything that can happen happens in it."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from schemas.decode import MalformedRecord, PassedOver, decode
from schemas.events import AdmissionEnded, Admitted, AnyEvent, CheckoutCompleted
from service.demo.sale import Sale, create_sale
from service.demo.script import Move
from service.demo.shop import ORGANIZATION

OPENS_AT = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
SIZES = [(60, 8.0), (300, 25.0), (1000, 40.0)]


@pytest.fixture(params=[(*size, seed) for size in SIZES for seed in (1, 7)], ids=str)
def sale(request: pytest.FixtureRequest) -> Sale:
    shoppers, seconds, seed = request.param
    return create_sale(seed, shoppers, seconds, OPENS_AT)


def test_the_same_seed_gives_the_same_sale() -> None:
    one, same, other = (create_sale(seed, 300, 25.0, OPENS_AT) for seed in (7, 7, 8))

    assert one == same
    assert one.moves != other.moves


def test_every_shopper_comes_and_the_sale_ends_in_time(sale: Sale) -> None:
    shop = sale.shop

    names = {event.consumer_id for _, event in admissions(sale)}

    assert len(names) == sum(one.shoppers for one in shop.experiences)
    assert all(before.seconds <= after.seconds for before, after in pairwise(sale.moves))
    assert all(0 <= move.seconds <= sale.seconds for move in sale.moves)
    assert sale.chapters[0].seconds == 0


def test_more_is_wanted_than_there_is(sale: Sale) -> None:
    offered = {(row.experience_id): row.policy.items for row in sale.shop.policies()}
    wanted: Counter[str] = Counter()
    for _, event in admissions(sale):
        wanted.update(line.product_id for line in event.items or offered[event.experience_id])

    for one in sale.shop.experiences:
        assert wanted[one.product_id] > one.units > 0


def test_all_stock_that_is_wanted_is_imported(sale: Sale) -> None:
    imported = {row.product_id for row in sale.shop.stock()}

    wanted = {line.product_id for _, event in admissions(sale) for line in event.items}

    assert wanted <= imported
    assert {row.product_id for row in sale.shop.pools()} <= imported
    assert {row.experience_id for row in sale.shop.policies()} >= {
        event.experience_id for _, event in admissions(sale)
    }
    assert {event.organization_id for _, event in admissions(sale)} == {ORGANIZATION}


def test_three_vocabularies_are_spoken_and_some_events_name_items(sale: Sale) -> None:
    types = Counter(json.loads(move.value)["type"] for move, _ in readable(sale))

    assert types["queue.consumer.admitted"] > 0  # A
    assert types["queue.consumer_admitted"] > 0  # B
    assert types["admission.created"] > 0  # C
    assert {bool(event.items) for _, event in admissions(sale)} == {True, False}


def test_the_draw_is_many_admissions_in_one_record(sale: Sale) -> None:
    sizes = {len(events) for _, events in readable(sale)}

    assert sizes == {0, 1, sale.shop.draw.shoppers}


def test_one_record_cannot_be_read(sale: Sale) -> None:
    unreadable = [move for move in sale.moves if not is_readable(move)]

    assert len(unreadable) == 1


def test_some_come_twice(sale: Sale) -> None:
    records = Counter(move.value for move in sale.moves)
    orders = Counter(event.order_id for _, event in completions(sale) if event.order_id)

    assert any(count == 2 for count in records.values())
    assert any(count == 2 for count in orders.values())
    again = sum(records.values()) - len(records)
    assert sale.repeated > again > 0


def test_some_leave_some_are_denied_and_some_never_come_back(sale: Sale) -> None:
    ends = {event.end for move, events in readable(sale) for event in events
            if isinstance(event, AdmissionEnded)}  # fmt: skip
    came_back = {event.consumer_id for move, events in readable(sale) for event in events
                 if isinstance(event, CheckoutCompleted | AdmissionEnded)}  # fmt: skip
    admitted = {event.consumer_id for _, event in admissions(sale)}

    assert ends == {"left", "denied", "expired"}
    assert admitted - came_back


def test_some_pay_before_their_admission_arrives_and_some_after_their_hold(sale: Sale) -> None:
    arrived = {event.consumer_id: move.seconds for move, event in reversed(admissions(sale))}
    holds = {event.consumer_id: event.admitted_at for _, event in reversed(admissions(sale))}
    hold = timedelta(seconds=sale.shop.hold_seconds)

    paid = [(move.seconds, event) for move, event in completions(sale)]

    assert any(at < arrived[event.consumer_id] for at, event in paid)
    for one in sale.shop.experiences:
        late = [
            event
            for _, event in paid
            if event.experience_id == one.experience_id
            and event.completed_at > holds[event.consumer_id] + hold
        ]
        assert late, one.distribution_type


def readable(sale: Sale) -> list[tuple[Move, list[AnyEvent]]]:
    """Give the records that can be read, with their events."""
    moves = [move for move in sale.moves if is_readable(move)]
    decoded = ((move, decode(move.value)) for move in moves)
    return [(move, [] if isinstance(events, PassedOver) else events) for move, events in decoded]


def is_readable(move: Move) -> bool:
    try:
        decode(move.value)
    except MalformedRecord:
        return False
    return True


def admissions(sale: Sale) -> list[tuple[Move, Admitted]]:
    return [
        (move, event)
        for move, events in readable(sale)
        for event in events
        if isinstance(event, Admitted)
    ]


def completions(sale: Sale) -> list[tuple[Move, CheckoutCompleted]]:
    return [
        (move, event)
        for move, events in readable(sale)
        for event in events
        if isinstance(event, CheckoutCompleted)
    ]
