"""What cannot be read is refused, with a reason that names the place and quotes nothing."""

import pytest

from schemas.decode import MalformedRecord, decode
from tests.unit.records import Json, encode, record, refusal, with_data

SECRET = "eyJ-very-secret"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "no value: a tombstone means nothing here"),
        (b"", "not JSON: EOF while parsing a value"),
        (b"\xff\xfe", "not JSON: expected value"),
        (b'{"id": "\xc3\x28"}', "not JSON: invalid unicode code point"),
        (b'{"id": "\xed\xa0\x80"}', "not JSON: invalid unicode code point"),
        (b'{"id": "\\ud800"}', "not JSON: unexpected end of hex escape"),
        (b'{"id": NaN}', "not JSON: expected value"),
        (b'{"id": ' + b"9" * 5_000 + b"}", "not JSON: number out of range"),
        (b"[" * 100_000, "not JSON: recursion limit exceeded"),
        (b"{} {}", "not JSON: trailing characters"),
        (b"\xef\xbb\xbf{}", "not JSON: expected value"),
        (b"[]", "not a JSON object"),
        (b'"admitted"', "not a JSON object"),
        (b"null", "not a JSON object"),
    ],
)
def test_bytes_that_are_no_json_object_are_refused(value: bytes | None, reason: str) -> None:
    assert refusal(value).partition(" at line 1 column ")[0] == reason


ITEM = {"productId": "p", "quantity": 1}
NOT_AN_INSTANT = "must be an ISO 8601 time, or seconds or milliseconds since 1970"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        # the type
        ({}, "type: is missing"),
        ({"type": None}, "type: is missing"),
        ({"type": 7}, "type: must be a string"),
        ({"type": "queue.admitted"}, "type: 'queue.admitted' is not known"),
        ({"type": "Order.Completed"}, "type: 'Order.Completed' is not known"),
        ({"type": "x" * 300}, f"type: '{'x' * 80}' is not known"),
        ({"type": "a\0b"}, r"type: 'a\x00b' is not known"),
        # the envelope
        (record(without="id"), "id: is missing"),
        (record(id=""), "id: must not be empty"),
        (record(id=7), "id: must be a string"),
        (record(without="organizationId"), "organizationId: is missing"),
        (record(organizationId=""), "organizationId: must not be empty"),
        (record(without="organizationId", organization={}), "organizationId: is missing"),
        (
            record(without="organizationId", organization={"id": ""}),
            "organization.id: must not be empty",
        ),
        (record(without="timestamp"), "data.admittedAt: is missing"),
        (record(without="data"), "data.consumerId: is missing"),
        (record(data=[1]), "data.consumerId: is missing"),
        # times
        (record(timestamp="yesterday"), f"timestamp: {NOT_AN_INSTANT}"),
        (record(timestamp=True), f"timestamp: {NOT_AN_INSTANT}"),
        (record(timestamp=[]), f"timestamp: {NOT_AN_INSTANT}"),
        (record(timestamp=10**400), f"timestamp: {NOT_AN_INSTANT}"),
        (record(timestamp="0000-01-01T00:00:00Z"), f"timestamp: {NOT_AN_INSTANT}"),
        (record(timestamp="2024-12-01T09:15:00\0Z"), f"timestamp: {NOT_AN_INSTANT}"),
        (record(timestamp="2024-12-01T09:15:00"), "timestamp: must have an offset from UTC"),
        (record(timestamp="2024-12-01"), "timestamp: must have an offset from UTC"),
        (record(timestamp=-1), "timestamp: must be in the years 1970 to 9998"),
        (
            record(timestamp="0001-01-01T00:00:00+14:00"),
            "timestamp: must be in the years 1970 to 9998",
        ),
        (
            record(timestamp="9999-12-31T23:59:59-14:00"),
            "timestamp: must be in the years 1970 to 9998",
        ),
        (
            with_data(expiresAt="9999-01-01T00:00:00Z"),
            "data.expiresAt: must be in the years 1970 to 9998",
        ),
        ({"type": "expiry.tick"}, "at: is missing"),
        ({"type": "expiry.tick", "at": "soon"}, f"at: {NOT_AN_INSTANT}"),
        ({"type": "expiry.tick", "at": "2024-12-01T09:15:00\0Z"}, f"at: {NOT_AN_INSTANT}"),
        # ids
        (record(data={}), "data.consumerId: is missing"),
        (with_data(consumerId=None), "data.consumerId: is missing"),
        (with_data(consumerId=""), "data.consumerId: must not be empty"),
        (with_data(consumerId=7), "data.consumerId: must be a string"),
        (with_data(consumerId="a\0b"), "data.consumerId: must not contain a NUL character"),
        (with_data(consumerId="x" * 513), "data.consumerId: must be at most 512 bytes long"),
        (with_data(consumerId="é" * 257), "data.consumerId: must be at most 512 bytes long"),
        (with_data(queueId=["q"]), "data.queueId: must be a string"),
        (with_data(experience_id="\0"), "data.experience_id: must not contain a NUL character"),
        (with_data(admissionId="\0"), "data.admissionId: must not contain a NUL character"),
        (with_data(distributionType=1), "data.distributionType: must be a string"),
        (with_data(token=123), "data.token: must be a string"),
        (
            with_data("order.completed", orderId="x" * 513),
            "data.orderId: must be at most 512 bytes long",
        ),
        (record("order.cancelled"), "data.orderId: is missing"),
        (with_data("order.cancelled", orderId=""), "data.orderId: must not be empty"),
        (with_data("auction.settled", consumerId=""), "data.consumerId: must not be empty"),
        # items
        (with_data(items={"a": ITEM}), "data.items: must be a list"),
        (with_data(items="p"), "data.items: must be a list"),
        (with_data(items=["p"]), "data.items[0]: must be an object"),
        (with_data(items=[ITEM, None]), "data.items[1]: must be an object"),
        (with_data(items=[ITEM] * 1_001), "data.items: must have at most 1000 entries"),
        (with_data(items=[{"quantity": 1}]), "data.items[0].productId: is missing"),
        (with_data(items=[ITEM, {"productId": "p"}]), "data.items[1].quantity: is missing"),
        (with_data(items=[ITEM | {"productId": ""}]), "data.items[0].productId: must not be empty"),
        (with_data(items=[ITEM | {"variantId": 1}]), "data.items[0].variantId: must be a string"),
        # carts
        (record("cart.updated"), "data.items: is missing"),
        (with_data("cart.updated", items=None), "data.items: is missing"),
        (with_data("cart.updated", items={}), "data.items: must be a list"),
        (
            with_data("cart.updated", items=[ITEM] * 10_000),
            "data.items: must have at most 1000 entries",
        ),
        (record("cart.updated", data={"items": []}), "data.consumerId: is missing"),
        (
            with_data("cart.updated", items=[ITEM | {"productId": "a\0b"}]),
            "data.items[0].productId: must not contain a NUL character",
        ),
        (with_data("cart.updated", items=[], updatedAt="now"), f"data.updatedAt: {NOT_AN_INSTANT}"),
        # commands
        (record("hold.extend"), "data.seconds: is missing"),
        (record("hold.release", data={}), "data.consumerId: is missing"),
        (record("hold.release", without="timestamp"), "data.requestedAt: is missing"),
        (record("hold.transfer"), "data.toConsumerId: is missing"),
        (with_data("hold.transfer", toConsumerId=""), "data.toConsumerId: must not be empty"),
        (with_data("hold.transfer", toConsumerId=7), "data.toConsumerId: must be a string"),
        (
            with_data("hold.transfer", toConsumerId="a\0b"),
            "data.toConsumerId: must not contain a NUL character",
        ),
        (
            with_data("hold.transfer", toConsumerId="x" * 513),
            "data.toConsumerId: must be at most 512 bytes long",
        ),
        (
            with_data("hold.transfer", toConsumerId="ada"),
            "data.toConsumerId: must be another consumer",
        ),
        # windows
        (
            with_data(expiresAt="2024-12-01T09:14:59Z"),
            "data.expiresAt: is before the admission",
        ),
        (
            with_data("draw.consumer.won", wonAt="2024-12-02T00:00:00Z", claimDeadline=1733044500),
            "data.claimDeadline: is before the admission",
        ),
        (with_data(admittedAt="soon", expiresAt=0), f"data.admittedAt: {NOT_AN_INSTANT}"),
        (
            with_data(
                "draw.winners_selected",
                winners=[{"consumerId": "ada"}, {"consumerId": "bo", "claimDeadline": 0}],
            ),
            "data.winners: the window of [1] ends before the draw",
        ),
        # winners
        (record("draw.winners_selected"), "data.winners: is missing"),
        (with_data("draw.winners_selected", winners={}), "data.winners: must be a list"),
        (
            with_data("draw.winners_selected", winners=[{"consumerId": "ada"}, {}]),
            "data.winners[1].consumerId: is missing",
        ),
        (
            with_data("draw.winners_selected", winners=[{"consumerId": "a", "claimDeadline": ""}]),
            f"data.winners[0].claimDeadline: {NOT_AN_INSTANT}",
        ),
    ],
)
def test_a_record_that_cannot_be_read_is_refused_by_field(document: Json, reason: str) -> None:
    assert refusal(encode(document)) == reason


@pytest.mark.parametrize("type_", ["admission.created", "cart.updated", "order.completed"])
@pytest.mark.parametrize(
    ("quantity", "reason"),
    [
        (0, "must be an integer >= 1"),
        (-1, "must be an integer >= 1"),
        (1.0, "must be an integer >= 1"),
        (1.5, "must be an integer >= 1"),
        ("1", "must be an integer >= 1"),
        (True, "must be an integer >= 1"),
        (None, "must be an integer >= 1"),
        (1_000_000_001, "must be at most 1000000000"),
        (10**400, "must be at most 1000000000"),
    ],
)
def test_a_quantity_is_a_whole_number_of_units(type_: str, quantity: object, reason: str) -> None:
    document = with_data(type_, items=[{"productId": "p", "quantity": quantity}])

    assert refusal(encode(document)) == f"data.items[0].quantity: {reason}"


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [
        (0, "must be an integer >= 1"),
        (-600, "must be an integer >= 1"),
        (600.0, "must be an integer >= 1"),
        ("600", "must be an integer >= 1"),
        (True, "must be an integer >= 1"),
        (86_401, "must be at most 86400"),
        (10**400, "must be at most 86400"),
    ],
)
def test_an_extension_is_of_a_second_to_a_day(seconds: object, reason: str) -> None:
    document = with_data("hold.extend", seconds=seconds)

    assert refusal(encode(document)) == f"data.seconds: {reason}"


def test_a_refusal_keeps_no_way_back_to_the_payload() -> None:
    value = encode(with_data(consumerId="", admissionToken=SECRET))

    with pytest.raises(MalformedRecord) as caught:
        decode(value)

    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    assert SECRET not in repr(caught.value)
