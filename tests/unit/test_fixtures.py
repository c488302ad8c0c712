"""Every payload that Fanfare documents, and what it means here."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.decode import PassedOver, decode
from schemas.events import (
    AdmissionEnded,
    Admitted,
    AnyEvent,
    CartUpdated,
    CheckoutCompleted,
    ExpiryTick,
    ExtendRequested,
    Item,
    OrderCancelled,
    ReleaseRequested,
    TransferRequested,
)
from schemas.identity import token_digest
from schemas.wire import MEANINGS
from tests.unit.records import FIXTURES

Facts = dict[str, Any]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def of_token(token: str) -> Facts:
    return {"token_digest": token_digest(token)}


# A: API reference
A: Facts = {"event_id": "whk_01HXYZ123456789", "organization_id": "org_01HXYZ123456789"}
A_SHOPPER: Facts = A | {"consumer_id": "cons_01HXYZ123456789"}
A_PLACE: Facts = A_SHOPPER | {"experience_id": "exp_01HXYZ123456789"}
A_QUEUE: Facts = {"distribution_id": "queue_01HXYZ123456789", "distribution_type": "queue"}
A_DRAW: Facts = {"distribution_id": "draw_01HXYZ123456789", "distribution_type": "draw"}
A_AUCTION: Facts = {"distribution_id": "auction_01HXYZ123456789", "distribution_type": "auction"}
A_ORDER: Facts = {"order_id": "order_01HXYZ123456789"}
A_TOKEN = of_token("eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9...")

# B: webhooks guide
B: Facts = {"event_id": "evt_123", "organization_id": "org_123", "experience_id": "exp_456"}
B_SHOPPER: Facts = B | {"consumer_id": "consumer_123"}
B_QUEUE: Facts = {"distribution_id": "dist_789", "distribution_type": "queue"}
B_WIN: Facts = B | {
    "distribution_id": "draw_789",
    "distribution_type": "draw",
    "admitted_at": at("2024-12-01 09:15"),
    "window_ends_at": at("2024-12-03 09:15"),
}

# C: custom platform guide
C: Facts = A | {
    "admission_id": "adm_123",
    "consumer_id": "consumer_123",
    "experience_id": "exp_abc123",
    "distribution_id": "dist_789",
    "token_digest": token_digest("token_abc"),
}
C_WINDOW: Facts = {
    "admitted_at": at("2024-12-01 09:15"),
    "window_ends_at": at("2024-12-01 09:25"),
}

# D: webhook debugging page
D: Facts = {"event_id": "evt_abc123", "organization_id": "org_abc", "consumer_id": "cons_abc"}
D_QUEUE: Facts = {"distribution_id": "queue_abc", "distribution_type": "queue"}
D_DRAW: Facts = {"distribution_id": "draw_abc", "distribution_type": "draw"}

# E: custom webhooks
E: Facts = {
    "event_id": "wh_evt_abc123",
    "organization_id": "org_xyz789",
    "consumer_id": "cons_abc123",
}
E_PLACE: Facts = E | {"experience_id": "exp_ghi789", "distribution_id": "dist_def456"}
E_ITEMS = (Item("prod_jkl012", "", 1),)

D_AND_E_TIME = at("2024-01-15 10:30")

# Ours, in an envelope of vocabulary A
HELD: Facts = {
    "organization_id": "org_01HXYZ123456789",
    "consumer_id": "consumer_123",
    "experience_id": "exp_abc123",
    "distribution_id": "dist_789",
    "admission_id": "adm_123",
}

MEANT: dict[str, list[AnyEvent]] = {
    "expiry.tick": [ExpiryTick(at=at("2024-12-01 09:26"))],
    "cart.updated": [
        CartUpdated(
            event_id="cart_evt_1",
            organization_id="org_01HXYZ123456789",
            consumer_id="consumer_123",
            experience_id="exp_abc123",
            updated_at=at("2024-12-01 09:17"),
            items=(
                Item("prod_01HXYZ123456789", "var_01HXYZ123456789", 2),
                Item("prod_jkl012", "", 1),
            ),
        )
    ],
    "cart.updated.empty": [
        CartUpdated(
            **HELD,
            **of_token("token_abc"),
            event_id="cart_evt_2",
            updated_at=at("2024-12-01 09:18"),
        )
    ],
    "hold.extend": [
        ExtendRequested(
            **HELD, event_id="hold_evt_1", requested_at=at("2024-12-01 09:20"), seconds=300
        )
    ],
    "hold.release": [
        ReleaseRequested(**HELD, event_id="hold_evt_2", requested_at=at("2024-12-01 09:21"))
    ],
    "hold.transfer": [
        TransferRequested(
            **HELD,
            event_id="hold_evt_3",
            requested_at=at("2024-12-01 09:22"),
            to_consumer_id="consumer_456",
        )
    ],
    # A
    "a.queue.consumer.admitted": [
        Admitted(**A_PLACE, **A_QUEUE, **A_TOKEN, admitted_at=at("2024-12-01 09:15"))
    ],
    "a.queue.consumer.admitted.overview": [
        Admitted(**A_SHOPPER, **A_QUEUE, **A_TOKEN, admitted_at=at("2024-12-01 09:15"))
    ],
    "a.queue.consumer.completed": [
        CheckoutCompleted(**A_PLACE, **A_QUEUE, **A_ORDER, completed_at=at("2024-12-01 09:25"))
    ],
    "a.queue.consumer.left": [
        AdmissionEnded(**A_PLACE, **A_QUEUE, ended_at=at("2024-12-01 09:10"), end="left")
    ],
    "a.queue.consumer.denied": [
        AdmissionEnded(**A_PLACE, **A_QUEUE, ended_at=at("2024-12-01 09:16"), end="denied")
    ],
    "a.queue.consumer.denied.expired": [
        AdmissionEnded(**A_PLACE, **A_QUEUE, ended_at=at("2024-12-01 09:25"), end="expired")
    ],
    "a.draw.consumer.won": [
        Admitted(**A_PLACE, **A_DRAW, **A_TOKEN, admitted_at=at("2024-12-15 12:00"))
    ],
    "a.auction.consumer.won": [
        Admitted(**A_PLACE, **A_AUCTION, **A_TOKEN, admitted_at=at("2024-12-01 18:00"))
    ],
    "a.auction.consumer.won.older": [
        Admitted(**A_PLACE, **A_AUCTION, **A_TOKEN, admitted_at=at("2024-12-01 18:00"))
    ],
    "a.auction.settled": [
        CheckoutCompleted(**A_PLACE, **A_AUCTION, completed_at=at("2024-12-01 18:30"))
    ],
    "a.auction.settled.older": [
        CheckoutCompleted(**A_PLACE, **A_AUCTION, completed_at=at("2024-12-01 18:30"))
    ],
    "a.auction.settled.without_winner": [],
    "a.order.cancelled": [
        OrderCancelled(**A_SHOPPER, **A_ORDER, cancelled_at=at("2024-12-01 09:40"))
    ],
    "a.order.completed": [
        CheckoutCompleted(**A_SHOPPER, **A_ORDER, completed_at=at("2024-12-01 09:25"))
    ],
    "a.order.completed.older": [
        CheckoutCompleted(**A_SHOPPER, **A_ORDER, completed_at=at("2024-12-01 09:25"))
    ],
    # B
    "b.queue.consumer_admitted": [
        Admitted(
            **B_SHOPPER,
            **B_QUEUE,
            **of_token("token_abc"),
            admitted_at=at("2024-12-01 09:15"),
            window_ends_at=at("2024-12-01 09:25"),
        )
    ],
    "b.queue.admission_completed": [
        CheckoutCompleted(
            **B_SHOPPER, **B_QUEUE, completed_at=at("2024-12-01 09:20"), order_id="order_123"
        )
    ],
    "b.queue.admission_completed.without_order": [
        CheckoutCompleted(**B_SHOPPER, **B_QUEUE, completed_at=at("2024-12-01 09:20"))
    ],
    "b.queue.admission_expired": [
        AdmissionEnded(**B_SHOPPER, **B_QUEUE, ended_at=at("2024-12-01 09:25"), end="expired")
    ],
    "b.queue.consumer_left": [
        AdmissionEnded(
            **B_SHOPPER, distribution_type="queue", ended_at=at("2024-12-01 09:15"), end="left"
        )
    ],
    "b.draw.winners_selected": [
        Admitted(**B_WIN, consumer_id="consumer_123", **of_token("claim_abc")),
        Admitted(**B_WIN, consumer_id="consumer_456", **of_token("claim_def")),
        Admitted(**B_WIN, consumer_id="consumer_789", **of_token("claim_ghi")),
    ],
    "b.draw.prize_claimed": [
        CheckoutCompleted(
            **B_SHOPPER,
            distribution_type="draw",
            completed_at=at("2024-12-01 09:15"),
            order_id="order_123",
        )
    ],
    "b.draw.prize_expired": [
        AdmissionEnded(
            **B_SHOPPER, distribution_type="draw", ended_at=at("2024-12-03 09:15"), end="expired"
        )
    ],
    "b.auction.winner_notified": [
        Admitted(**B_SHOPPER, distribution_type="auction", admitted_at=at("2024-12-01 09:15"))
    ],
    # C
    "c.admission.created.queue": [Admitted(**C, **C_WINDOW, distribution_type="queue")],
    "c.admission.created.draw": [Admitted(**C, **C_WINDOW, distribution_type="draw")],
    "c.admission.created.auction": [Admitted(**C, **C_WINDOW, distribution_type="auction")],
    "c.admission.created.timed_release": [
        Admitted(**C, **C_WINDOW, distribution_type="timed_release")
    ],
    "c.admission.completed": [
        CheckoutCompleted(
            **C, distribution_type="timed_release", completed_at=at("2024-12-01 09:20")
        )
    ],
    "c.admission.expired": [
        AdmissionEnded(
            **C, distribution_type="timed_release", ended_at=at("2024-12-01 09:25"), end="expired"
        )
    ],
    # D
    "d.queue.access_granted": [
        Admitted(
            **D,
            **D_QUEUE,
            **of_token("hoff_abc"),
            admitted_at=D_AND_E_TIME,
            window_ends_at=at("2024-01-15 10:45"),
        )
    ],
    "d.queue.access_expired": [
        AdmissionEnded(**D, **D_QUEUE, ended_at=D_AND_E_TIME, end="expired")
    ],
    "d.queue.consumer_left": [AdmissionEnded(**D, **D_QUEUE, ended_at=D_AND_E_TIME, end="left")],
    "d.draw.winner_selected": [Admitted(**D, **D_DRAW, admitted_at=D_AND_E_TIME)],
    "d.order.completed": [CheckoutCompleted(**D, completed_at=D_AND_E_TIME, order_id="order_abc")],
    "d.order.cancelled": [OrderCancelled(**D, cancelled_at=D_AND_E_TIME, order_id="order_abc")],
    # E
    "e.distribution.admitted": [
        Admitted(**E_PLACE, distribution_type="other", admitted_at=D_AND_E_TIME, items=E_ITEMS)
    ],
    "e.distribution.winner_selected": [
        Admitted(**E_PLACE, distribution_type="draw", admitted_at=D_AND_E_TIME, items=E_ITEMS)
    ],
    "e.distribution.completed": [CheckoutCompleted(**E_PLACE, completed_at=D_AND_E_TIME)],
    "e.order.paid": [CheckoutCompleted(**E, completed_at=D_AND_E_TIME, order_id="order_mno345")],
    "e.order.cancelled": [OrderCancelled(**E, cancelled_at=D_AND_E_TIME, order_id="order_mno345")],
}

PASSED_OVER = {
    "a.queue.consumer.entered",
    "a.draw.consumer.entered",
    "a.draw.consumer.lost",
    "a.draw.completed",
    "a.auction.bid.placed",
    "a.auction.bid.placed.older",
    "a.auction.bid.outbid",
    "a.order.created",
    "a.order.created.older",
    "a.consumer.created",
    "a.consumer.updated",
    "a.distribution.updated",
    "a.distribution.opened",
    "a.distribution.closed",
    "a.webhook.delivery.failed",
    "b.queue.consumer_entered",
    "b.auction.auction_ended",
    "b.experience.started",
    "b.experience.ended",
    "b.experience.paused",
    "b.experience.resumed",
    "b.consumer.authenticated",
    "b.consumer.linked",
    "c.experience.started",
    "c.experience.ended",
    "d.queue.consumer_entered",
    "d.draw.completed",
    "d.order.created",
    "e.distribution.joined",
    "e.order.created",
    "e.order.fulfilled",
    "e.experience.created",
    "e.experience.activated",
    "e.experience.completed",
    "e.experience.cancelled",
    "e.consumer.created",
    "e.consumer.updated",
    "e.consumer.deleted",
}


def type_of(name: str) -> str:
    return str(json.loads(FIXTURES[name].read_bytes())["type"])


@pytest.mark.parametrize("name", sorted(MEANT))
def test_a_documented_payload_becomes_the_events_that_it_means(name: str) -> None:
    assert decode(FIXTURES[name].read_bytes()) == MEANT[name]


@pytest.mark.parametrize("name", sorted(PASSED_OVER))
def test_a_documented_payload_that_means_nothing_here_is_passed_over(name: str) -> None:
    assert decode(FIXTURES[name].read_bytes()) == PassedOver(type_of(name))


def test_every_fixture_has_one_expectation() -> None:
    assert sorted([*MEANT, *PASSED_OVER]) == sorted(FIXTURES)


def test_every_type_in_the_table_has_a_fixture() -> None:
    assert set(map(type_of, FIXTURES)) == set(MEANINGS)


@pytest.mark.parametrize("name", sorted(FIXTURES))
def test_a_fixture_is_named_after_its_vocabulary_and_type(name: str) -> None:
    vocabulary, _, rest = name.partition(".")
    if len(vocabulary) > 1:  # ours
        rest = name
    else:
        assert vocabulary in "abcde"

    assert f"{rest}.".startswith(f"{type_of(name)}.")
