"""The traps of Fanfare's payloads: names, shapes, and what a type says."""

from datetime import UTC, datetime

import msgspec
import pytest

from schemas.decode import PassedOver, decode
from schemas.events import AdmissionEnded, Admitted, AnyEvent, CheckoutCompleted, ExpiryTick, Item
from schemas.fields import DISTRIBUTIONS, ID_BYTES_MAX, TOKENS, WINDOW_ENDS
from schemas.identity import token_digest
from tests.unit.records import ODD_IDS, Json, encode, record, with_data

QUARTER_PAST_NINE = datetime(2024, 12, 1, 9, 15, tzinfo=UTC)
SECRET = "eyJ-very-secret"


def events_of(document: object) -> list[AnyEvent]:
    events = decode(encode(document))
    assert isinstance(events, list)
    return events


def admitted(document: Json) -> Admitted:
    [event] = events_of(document)
    assert isinstance(event, Admitted)
    return event


def completed(document: Json) -> CheckoutCompleted:
    [event] = events_of(document)
    assert isinstance(event, CheckoutCompleted)
    return event


def ended(document: Json) -> AdmissionEnded:
    [event] = events_of(document)
    assert isinstance(event, AdmissionEnded)
    return event


# The envelope


@pytest.mark.parametrize(
    "time",
    [
        {"timestamp": "2024-12-01T09:15:00Z"},
        {"timestamp": "2024-12-01T14:45:00+05:30"},
        {"created": "2024-12-01T09:15:00Z"},
        {"created": 1733044500},
        {"created": 1733044500.0},
        {"created": 1733044500000},
        {"timestamp": None, "created": 1733044500},
    ],
)
def test_the_time_of_the_envelope_is_read_in_all_its_shapes(time: Json) -> None:
    event = admitted(record(without="timestamp") | time)

    assert event.admitted_at == QUARTER_PAST_NINE
    assert event.admitted_at.tzinfo is UTC


@pytest.mark.parametrize(
    "organization",
    [
        {"organizationId": "acme"},
        {"organization_id": "acme"},
        {"organization": {"id": "acme", "name": "Acme Stores"}},
    ],
)
def test_the_organization_is_read_in_all_its_shapes(organization: Json) -> None:
    assert admitted(record(without="organizationId") | organization).organization_id == "acme"


def test_the_experience_may_stand_in_the_envelope() -> None:
    assert admitted(record(experienceId="sale")).experience_id == "sale"


def test_the_experience_in_the_data_comes_before_the_one_in_the_envelope() -> None:
    document = with_data(experienceId="sale") | {"experienceId": "other"}

    assert admitted(document).experience_id == "sale"


def test_an_event_without_experience_and_distribution_has_empty_ones() -> None:
    event = admitted(record())

    assert (event.experience_id, event.distribution_id) == ("", "")


def test_fields_that_nobody_documented_are_ignored() -> None:
    document = with_data(schema=7, nested={"deep": [1, 2]}) | {"attempt": 3}

    assert admitted(document) == admitted(record())


# The names of fields


@pytest.mark.parametrize("name", [*TOKENS, "admission_token", "payment_token", "claim_token"])
def test_a_token_is_read_under_every_name_and_leaves_its_digest_only(name: str) -> None:
    event = admitted(with_data(**{name: SECRET}))

    assert event.token_digest == token_digest(SECRET)
    assert SECRET not in repr(event)


@pytest.mark.parametrize("name", [*WINDOW_ENDS, "expires_at", "claim_deadline"])
@pytest.mark.parametrize("end", ["2024-12-01T09:15:00Z", 1733044500000])
def test_the_end_of_the_window_is_read_under_every_name(name: str, end: object) -> None:
    assert admitted(with_data(**{name: end})).window_ends_at == QUARTER_PAST_NINE


@pytest.mark.parametrize("name", [*DISTRIBUTIONS, "distribution_id", "timed_release_id"])
def test_the_distribution_is_read_under_every_name(name: str) -> None:
    assert admitted(with_data(**{name: "q-1"})).distribution_id == "q-1"


@pytest.mark.parametrize("name", ["consumerId", "consumer_id", "winnerId", "winner_id"])
def test_the_shopper_is_read_under_every_name(name: str) -> None:
    document = record("auction.settled", data={name: "ada"})

    assert completed(document).consumer_id == "ada"


@pytest.mark.parametrize(
    ("type_", "name"),
    [
        ("admission.created", "admittedAt"),
        ("admission.created", "wonAt"),
        ("admission.created", "admitted_at"),
        ("admission.completed", "completedAt"),
        ("admission.completed", "settledAt"),
        ("admission.expired", "expiredAt"),
        ("admission.expired", "leftAt"),
        ("admission.expired", "deniedAt"),
        ("draw.winners_selected", "wonAt"),
    ],
)
def test_the_time_of_the_fact_comes_before_the_time_of_its_delivery(type_: str, name: str) -> None:
    winners = [{"consumerId": "ada"}]

    [event] = events_of(with_data(type_, **{name: "2024-11-30T12:00:00Z"}, winners=winners))

    assert datetime(2024, 11, 30, 12, tzinfo=UTC) in msgspec.structs.asdict(event).values()


def test_a_null_is_an_absent_field() -> None:
    nulls = dict.fromkeys(["expiresAt", "items", "experienceId", "orderId", "admissionId"])

    assert admitted(with_data(**nulls)) == admitted(record())


def test_a_null_under_one_name_does_not_hide_another_name() -> None:
    event = admitted(with_data(admissionToken=None, paymentToken=SECRET))

    assert event.token_digest == token_digest(SECRET)


def test_an_empty_admission_id_or_token_or_order_is_none() -> None:
    admission = admitted(with_data(admissionId="", token=""))
    checkout = completed(with_data("order.completed", orderId=""))

    assert (admission.admission_id, admission.token_digest) == (None, None)
    assert checkout.order_id is None


def test_of_a_field_that_is_there_twice_the_last_counts() -> None:
    twice = encode(record()).replace(b'"id": "evt-1"', b'"id": "evt-0", "id": "evt-9"')

    [event] = decode(twice)  # type: ignore[misc]

    assert isinstance(event, Admitted)
    assert event.event_id == "evt-9"


# What a type says


@pytest.mark.parametrize("word", ["queue", "draw", "auction", "timed_release", "other"])
def test_a_distribution_type_of_the_list_is_kept(word: str) -> None:
    assert admitted(with_data(distributionType=word)).distribution_type == word


@pytest.mark.parametrize("word", ["appointment", "QUEUE", ""])
def test_a_distribution_type_that_nobody_knows_is_other(word: str) -> None:
    assert admitted(with_data(distributionType=word)).distribution_type == "other"


def test_what_the_type_says_of_the_distribution_stands_above_the_payload() -> None:
    document = with_data("draw.consumer.won", distributionType="queue")

    assert admitted(document).distribution_type == "draw"


def test_an_admission_always_has_a_distribution_type_and_a_completion_need_not() -> None:
    assert admitted(record("distribution.admitted")).distribution_type == "other"
    assert completed(record("order.completed")).distribution_type is None
    assert ended(record("admission.expired")).distribution_type is None


@pytest.mark.parametrize(
    ("reason", "end"),
    [
        ({"reason": "ADMISSION_EXPIRED"}, "expired"),
        ({"reason": "ORDER_LIMIT_EXCEEDED"}, "denied"),
        ({"reason": "A_REASON_OF_TOMORROW"}, "denied"),
        ({"reason": {"code": 7}}, "denied"),
        ({"reason": None}, "denied"),
        ({}, "denied"),
    ],
)
def test_a_denial_is_an_expiry_only_for_that_reason(reason: Json, end: str) -> None:
    assert ended(with_data("queue.consumer.denied", **reason)).end == end


def test_a_shopper_who_left_has_left_whatever_the_reason() -> None:
    assert ended(with_data("queue.consumer_left", reason="ADMISSION_EXPIRED")).end == "left"


def test_a_draw_that_was_held_is_no_checkout_and_an_admission_completed_is() -> None:
    assert decode(encode(record("draw.completed"))) == PassedOver("draw.completed")
    assert completed(record("queue.consumer.completed")).consumer_id == "ada"


def test_the_winners_of_a_draw_are_admitted_each_in_their_order() -> None:
    winners = [{"consumerId": f"winner-{n}", "claimToken": f"token-{n}"} for n in range(1_200)]

    events = events_of(record("draw.winners_selected", data={"drawId": "d", "winners": winners}))

    assert [msgspec.structs.asdict(event)["consumer_id"] for event in events] == [
        w["consumerId"] for w in winners
    ]
    assert len({msgspec.structs.asdict(event)["token_digest"] for event in events}) == 1_200


def test_a_draw_without_winners_admits_nobody() -> None:
    assert events_of(record("draw.winners_selected", data={"winners": []})) == []


def test_a_tick_is_its_instant_and_needs_no_envelope() -> None:
    tick = {"type": "expiry.tick", "at": "2024-12-01T09:15:00Z", "lane": 3}

    assert events_of(tick) == [ExpiryTick(at=QUARTER_PAST_NINE)]


@pytest.mark.parametrize("type_", ["appointment.entered", "waitlist.consumer.joined"])
def test_mechanisms_without_a_checkout_are_passed_over(type_: str) -> None:
    assert decode(encode(record(type_))) == PassedOver(type_)


def test_what_is_passed_over_is_not_read() -> None:
    assert decode(b'{"type": "order.created", "data": 7}') == PassedOver("order.created")


# Items


def test_items_are_read_in_both_spellings() -> None:
    items = [
        {"productId": "moon-lamp", "variantId": "blue", "quantity": 2},
        {"product_id": "sun-lamp", "variant_id": "red", "quantity": 1},
    ]

    event = admitted(with_data(items=items))

    assert event.items == (Item("moon-lamp", "blue", 2), Item("sun-lamp", "red", 1))


@pytest.mark.parametrize("variant", [{}, {"variantId": None}, {"variantId": ""}])
def test_an_item_without_a_variant_has_an_empty_one(variant: Json) -> None:
    event = admitted(with_data(items=[{"productId": "moon-lamp", "quantity": 1, **variant}]))

    assert event.items == (Item("moon-lamp", "", 1),)


def test_two_lines_of_one_product_stay_two() -> None:
    line = {"productId": "moon-lamp", "quantity": 1}

    assert len(admitted(with_data(items=[line, line])).items) == 2


def test_a_completion_has_items_where_the_event_names_some() -> None:
    document = with_data("order.completed", items=[{"productId": "moon-lamp", "quantity": 1}])

    assert completed(document).items == (Item("moon-lamp", "", 1),)


def test_a_product_beside_the_items_is_one_unit_where_there_are_no_items() -> None:
    line = {"productId": "sun-lamp", "quantity": 3}

    assert admitted(with_data(product_id="moon-lamp")).items == (Item("moon-lamp", "", 1),)
    assert admitted(with_data(product_id="moon-lamp", items=[])).items == (
        Item("moon-lamp", "", 1),
    )
    assert admitted(with_data(product_id="moon-lamp", items=[line])).items == (
        Item("sun-lamp", "", 3),
    )


def test_a_product_beside_a_completion_does_not_say_how_many_were_bought() -> None:
    assert completed(with_data("distribution.completed", product_id="moon-lamp")).items == ()


def test_ids_and_quantities_are_accepted_up_to_their_limits() -> None:
    lines = [{"productId": f"p-{n}", "quantity": 1_000_000_000} for n in range(1_000)]

    event = admitted(with_data(items=lines, admissionId="x" * ID_BYTES_MAX))

    assert len(event.items) == 1_000
    assert event.admission_id == "x" * 512


@pytest.mark.parametrize("text", ODD_IDS)
def test_ids_are_opaque(text: str) -> None:
    line = {"productId": text, "variantId": text, "quantity": 1}

    event = admitted(with_data(consumerId=text, admissionId=text, queueId=text, items=[line]))

    assert {event.consumer_id, event.admission_id, event.distribution_id} == {text}
    assert event.items == (Item(text, text, 1),)
