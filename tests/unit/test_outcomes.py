"""The JSON that others read."""

import json
from typing import Any

import msgspec
import pytest

from schemas.outcomes import read_outcome
from tests.unit.world import tell


def bodies(text: str) -> list[dict[str, Any]]:
    return [json.loads(outcome.body()) for outcome in tell(text).outcomes]


def test_reserved_says_what_is_held_for_whom_until_when() -> None:
    world = tell("""
        policy drop hard
        stock  anorak/M 5
        10:00  admit ada anorak/M 2 id=adm-7 type=draw until=10:10 event=evt-1 lane=3
    """)

    [reservation] = world.reservations
    [outcome] = world.outcomes
    assert json.loads(outcome.body()) == {
        "type": "reserved",
        "organizationId": "acme",
        "experienceId": "drop",
        "distributionId": "door",
        "distributionType": "draw",
        "consumerId": "ada",
        "admissionId": "adm-7",
        "reservationId": str(reservation),
        "productId": "anorak",
        "variantId": "M",
        "quantity": 2,
        "strategy": "hard",
        "expiresAt": "2024-12-01T10:11:00Z",
        "occurredAt": "2024-12-01T10:00:00Z",
        "lane": 3,
        "cause": {"topic": "admitted", "partition": 3, "offset": 0, "eventId": "evt-1"},
    }


def test_rejected_says_why() -> None:
    [body] = bodies("10:00 admit ada sun-lamp 1")

    assert (body["type"], body["reason"]) == ("rejected", "unknown_stock_line")


def test_converted_names_its_order() -> None:
    *_, body = bodies("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  paid ada order=o-7
    """)

    assert (body["type"], body["orderId"], body["occurredAt"]) == (
        "converted",
        "o-7",
        "2024-12-01T10:05:00Z",
    )


def test_late_is_there_only_where_it_is_true() -> None:
    in_time, late = (
        body.get("late")
        for body in bodies("""
            stock  moon-lamp 2
            10:00  admit ada moon-lamp 1
            10:00  admit bo  moon-lamp 1
            10:05  paid ada
            10:06  left bo
            10:07  paid bo
        """)
        if body["type"] == "converted"
    )

    assert (in_time, late) == (None, True)


def test_expired_happens_when_the_tick_says_so_and_is_caused_by_it() -> None:
    *_, body = bodies("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:12  tick
    """)

    assert body["occurredAt"] == "2024-12-01T10:12:00Z"
    assert body["cause"] == {"topic": "expiry-ticks", "partition": 0, "offset": 0}


def test_outcome_of_a_sweep_has_no_offset() -> None:
    *_, body = bodies("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:12  tick sweep=yes
    """)

    assert body["cause"] == {"topic": "expiry-ticks", "partition": 0}


def test_early_fact_is_the_cause_of_what_it_did_when_its_admission_came() -> None:
    reserved, converted = bodies("""
        stock  moon-lamp 1
        10:05  paid ada event=evt-1 lane=1
        10:00  admit ada moon-lamp 1 event=evt-2 lane=0
    """)

    assert reserved["cause"]["eventId"] == "evt-2"
    assert converted["cause"] == {
        "topic": "checkout-completed",
        "partition": 1,
        "offset": 0,
        "eventId": "evt-1",
    }
    assert converted["lane"] == 0


def test_orphaned_says_all_that_is_known_and_names_no_reservation() -> None:
    [body] = bodies("""
        10:05     paid ada order=o-7 event=evt-1
        10:05+2d  tick
    """)

    assert body == {
        "type": "orphaned",
        "organizationId": "acme",
        "distributionId": "door",
        "consumerId": "ada",
        "reason": "admission_unknown",
        "orderId": "o-7",
        "occurredAt": "2024-12-03T10:05:00Z",
        "lane": 0,
        "cause": {
            "topic": "checkout-completed",
            "partition": 0,
            "offset": 0,
            "eventId": "evt-1",
        },
    }


LONG_STORY = """
    stock  moon-lamp 3
    stock  anorak/M 1
    10:20  left  dee token=s3cret-d
    10:00  admit ada moon-lamp 1 anorak/M 2 token=s3cret-a in= via= order-less=
    10:00  admit bo  moon-lamp 2 token=s3cret-b id=adm-b
    10:00  admit cyd moon-lamp 1 token=s3cret-c
    10:05  paid  ada token=s3cret-a
    10:05  left  bo  token=s3cret-b
    10:06  paid  bo  token=s3cret-b order=o-8
    10:07  paid  cyd token=s3cret-c order=o-9
    10:00+3d tick
""".replace(" order-less=", "")


def test_no_token_is_in_any_outcome() -> None:
    for outcome in tell(LONG_STORY).outcomes:
        assert b"s3cret" not in outcome.body()


def test_what_does_not_apply_is_left_out() -> None:
    for body in bodies(LONG_STORY):
        assert None not in body.values()
        assert "" not in body.values()


def test_names_are_in_camel_case() -> None:
    names = {name for body in bodies(LONG_STORY) for name in [*body, *body["cause"]]}

    assert [name for name in names if "_" in name or name[0].isupper()] == []


def test_what_goes_into_headers_is_not_in_the_body() -> None:
    [body] = bodies("10:00 admit ada sun-lamp 1")

    assert not {"outcomeId", "trace"} & body.keys()


def test_body_is_read_back_as_the_same_outcome() -> None:
    for outcome in tell(LONG_STORY).outcomes:
        assert read_outcome(outcome.outcome_id, outcome.body()) == outcome


@pytest.mark.parametrize("name", ["Zoë", "𝕒𝕕𝕒", 'a"d\\a', "ada\u2028"])
def test_ids_come_out_as_they_came_in(name: str) -> None:
    [outcome] = tell("10:00 admit ada sun-lamp 1").outcomes

    body = msgspec.structs.replace(outcome, consumer_id=name).body()

    assert json.loads(body)["consumerId"] == name
