"""Carts, commands and cancelled orders: what they say, and what they need not say."""

from datetime import UTC, datetime
from typing import TypeVar

import pytest

from schemas.decode import PassedOver, decode
from schemas.events import (
    CartUpdated,
    ExtendRequested,
    Fact,
    Item,
    OrderCancelled,
    ReleaseRequested,
    TransferRequested,
    event_time,
)
from schemas.fields import TOKENS
from schemas.identity import token_digest
from tests.unit.records import ODD_IDS, Json, encode, record, with_data

T = TypeVar("T", bound=Fact)

QUARTER_PAST_NINE = datetime(2024, 12, 1, 9, 15, tzinfo=UTC)
NOON_BEFORE = datetime(2024, 11, 30, 12, tzinfo=UTC)

# The least that each type needs beside the shopper, the name of its time, and what it becomes.
NEEDED: dict[str, tuple[Json, str, type[Fact]]] = {
    "cart.updated": ({"items": []}, "updatedAt", CartUpdated),
    "hold.extend": ({"seconds": 60}, "requestedAt", ExtendRequested),
    "hold.release": ({}, "requestedAt", ReleaseRequested),
    "hold.transfer": ({"toConsumerId": "bo"}, "requestedAt", TransferRequested),
    "order.cancelled": ({"orderId": "order-1"}, "cancelledAt", OrderCancelled),
}
EACH = pytest.mark.parametrize("type_", sorted(NEEDED))


def told(type_: str, /, **data: object) -> Json:
    needed, _, _ = NEEDED[type_]
    return with_data(type_, **needed | data)


def read(document: Json, kind: type[T]) -> T:
    events = decode(encode(document))
    assert isinstance(events, list)
    [event] = events
    assert isinstance(event, kind)
    return event


# All of them


@EACH
def test_the_least_is_a_shopper_and_the_time_of_the_envelope(type_: str) -> None:
    event = read(told(type_), NEEDED[type_][2])

    assert type(event) is NEEDED[type_][2]
    assert (event.organization_id, event.consumer_id) == ("acme", "ada")
    assert (event.admission_id, event.token_digest, event.distribution_type) == (None, None, None)
    assert (event.experience_id, event.distribution_id) == ("", "")
    assert event_time(event) == QUARTER_PAST_NINE


@EACH
def test_the_time_of_the_fact_comes_before_the_time_of_its_delivery(type_: str) -> None:
    _, name, kind = NEEDED[type_]

    event = read(told(type_, **{name: "2024-11-30T12:00:00Z"}), kind)

    assert event_time(event) == NOON_BEFORE


@EACH
@pytest.mark.parametrize("created", [1733044500, "2024-12-01T09:15:00Z"])
def test_they_come_in_any_envelope(type_: str, created: object) -> None:
    document = told(type_) | {"timestamp": None, "organizationId": None}
    rival = {"created": created, "organization": {"id": "acme"}, "experienceId": "sale"}

    event = read(document | rival, NEEDED[type_][2])

    assert (event.organization_id, event.experience_id) == ("acme", "sale")
    assert event_time(event) == QUARTER_PAST_NINE


@EACH
@pytest.mark.parametrize("name", [*TOKENS, "admission_token"])
def test_they_may_name_the_admission_by_its_token(type_: str, name: str) -> None:
    event = read(told(type_, **{name: "eyJ-very-secret"}), NEEDED[type_][2])

    assert event.token_digest == token_digest("eyJ-very-secret")
    assert "eyJ" not in repr(event)


@EACH
def test_they_may_say_of_which_admission_they_are(type_: str) -> None:
    whose = {"admissionId": "adm-1", "distribution_id": "q-1", "experienceId": "sale"}

    event = read(told(type_, **whose, distributionType="queue"), NEEDED[type_][2])

    assert (event.admission_id, event.distribution_id) == ("adm-1", "q-1")
    assert (event.experience_id, event.distribution_type) == ("sale", "queue")


@EACH
@pytest.mark.parametrize("text", ODD_IDS)
def test_ids_are_opaque(type_: str, text: str) -> None:
    event = read(told(type_, consumerId=text, admissionId=text), NEEDED[type_][2])

    assert (event.consumer_id, event.admission_id) == (text, text)


# Carts


def test_a_cart_is_its_lines_in_their_order() -> None:
    items = [
        {"productId": "moon-lamp", "variantId": "blue", "quantity": 2},
        {"product_id": "sun-lamp", "variant_id": None, "quantity": 1_000_000_000},
        {"productId": "moon-lamp", "variantId": "blue", "quantity": 1},
    ]

    cart = read(told("cart.updated", items=items), CartUpdated)

    assert cart.items == (
        Item("moon-lamp", "blue", 2),
        Item("sun-lamp", "", 1_000_000_000),
        Item("moon-lamp", "blue", 1),
    )


def test_a_cart_may_be_empty_and_may_be_long() -> None:
    thousand = [{"productId": f"p-{n}", "quantity": 1} for n in range(1_000)]

    assert read(told("cart.updated", items=[]), CartUpdated).items == ()
    assert len(read(told("cart.updated", items=thousand), CartUpdated).items) == 1_000


def test_a_product_beside_the_lines_of_a_cart_is_not_in_it() -> None:
    assert read(told("cart.updated", productId="moon-lamp"), CartUpdated).items == ()


@pytest.mark.parametrize("text", ODD_IDS)
def test_products_are_opaque(text: str) -> None:
    line = {"productId": text, "variantId": text, "quantity": 1}

    assert read(told("cart.updated", items=[line]), CartUpdated).items == (Item(text, text, 1),)


# Commands and cancelled orders


@pytest.mark.parametrize("seconds", [1, 600, 86_400])
def test_an_extension_is_of_a_second_to_a_day(seconds: int) -> None:
    assert read(told("hold.extend", seconds=seconds), ExtendRequested).seconds == seconds


@pytest.mark.parametrize("name", ["toConsumerId", "to_consumer_id"])
@pytest.mark.parametrize("text", [*ODD_IDS, "ADA", "ada "])
def test_a_transfer_says_to_whom(name: str, text: str) -> None:
    document = with_data("hold.transfer", **{name: text})

    assert read(document, TransferRequested).to_consumer_id == text


@pytest.mark.parametrize("text", ODD_IDS)
def test_a_cancelled_order_has_an_id(text: str) -> None:
    assert read(told("order.cancelled", orderId=text), OrderCancelled).order_id == text


# What nobody has won, and what does not say enough


@pytest.mark.parametrize("data", [{}, {"winnerId": None}, {"winner_id": None, "totalBids": 0}])
def test_an_auction_that_nobody_won_is_nobodys_checkout(data: Json) -> None:
    assert decode(encode(record("auction.settled", data=data))) == []


def test_a_consumer_who_was_linked_transfers_nothing() -> None:
    assert decode(encode(record("consumer.linked"))) == PassedOver("consumer.linked")
